"""The user is told: on the terminal of the program, on the desktop."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.errors import SaveError
from mdmp.monitor.finalize.describe import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.fault import Fault, Subject
    from mdmp.monitor.keeper import Outcome

TOLD_BY_COMMAND = ("run", "attach", "capture", "watch")
"""Commands that have a user before them, whom they tell themselves."""
SECONDS = 3.0
PATH = "/usr/local/bin:/usr/bin:/bin"
_PTS = range(136, 144)
"""Major numbers of pseudo terminals (the kernel's devices.txt)."""
_TTY = 4


@contextmanager
def terminal_of(fault: Fault, notice: tuple[str, ...]) -> Iterator[int | None]:
    """The terminal that `notify_terminal` needs, open for writing: to be asked for before the process has gone."""
    terminal = open_terminal(fault.subject) if fault.how == "postmortem" and "terminal" in notice else None
    try:
        yield terminal
    finally:
        if terminal is not None:
            os.close(terminal)


def notify_terminal(outcome: Outcome, terminal: int | None) -> None:
    """A line on the terminal of the process, or ours if there is none and no command has a user before it."""
    line = f"mdmp: {describe(outcome)}"
    if terminal is not None:
        with suppress(BlockingIOError):  # nobody waits for a terminal that is stopped; it may be in raw mode
            os.write(terminal, f"\r\n{line}\r\n".encode(errors="backslashreplace"))
    elif outcome.fault.how not in TOLD_BY_COMMAND and sys.stderr is not None and sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def notify_desktop(outcome: Outcome) -> None:
    """`SaveError` when there is a desktop that cannot be told."""
    fault = outcome.fault
    what = "ended" if fault.kind == "exit" else "crashed" if fault.is_crash else "was captured"
    title = f"{safe_text(fault.subject.name or 'A process')} {what}"
    if sys.platform == "win32":
        from mdmp.monitor.windows.message import send_message

        send_message(fault.subject.pid, title, describe(outcome))
    elif sys.platform == "linux":
        _notify_send(fault.subject, title, describe(outcome))


def open_terminal(subject: Subject) -> int | None:
    """The controlling terminal of a process that stands still (Linux), when it belongs to the user of the process.

    It is opened through one of the process's own files, because in a container the same number is another terminal.
    Their kind is looked at before anything is opened: to open some other device may have consequences.
    """
    if sys.platform != "linux":
        return None
    else:
        from mdmp.capture.linux.proc import Proc

        process = Proc(subject.pid).stat()
        number = process.terminal if process else 0
        if os.major(number) not in _PTS and not (os.major(number) == _TTY and 0 < os.minor(number) < 64):
            return None
        for descriptor in (2, 1, 0):
            path = f"/proc/{subject.pid}/fd/{descriptor}"
            try:
                if not _is_terminal(os.stat(path), number, subject.uid):
                    continue
                opened = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue
            if _is_terminal(os.fstat(opened), number, subject.uid):
                return opened
            os.close(opened)
        return None


if sys.platform != "win32":

    def _is_terminal(found: os.stat_result, number: int, uid: int | None) -> bool:
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == number and found.st_uid == uid

    def _notify_send(subject: Subject, title: str, text: str) -> None:
        """Nothing where the user of the process has no desktop, or is not the one that we are."""
        import shutil
        import subprocess

        uid = os.geteuid()
        if subject.uid not in (None, uid):
            return
        address = subject.variables.get("DBUS_SESSION_BUS_ADDRESS")
        if not address:
            bus = f"/run/user/{uid}/bus"
            if not os.path.exists(bus):
                return
            address = f"unix:path={bus}"
        program = shutil.which("notify-send", path=PATH)
        if not program:
            raise SaveError("no notice on the desktop: notify-send is not installed")
        for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # the body may be taken for markup
            text = text.replace(plain, escaped)
        try:
            done = subprocess.run(
                [program, "--app-name=mdmp", "--", title, text],
                env={"DBUS_SESSION_BUS_ADDRESS": address, "PATH": PATH, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SaveError(f"no notice on the desktop: no answer within {SECONDS:g} s") from None
        if done.returncode:
            raise SaveError(f"no notice on the desktop: notify-send failed ({done.returncode})")
