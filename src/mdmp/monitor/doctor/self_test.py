"""Programs crashed for real, in each way and watched in each way: which of them left a dump."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mdmp.dumpfile.load import load
from mdmp.errors import MdmpError
from mdmp.monitor.interpreter import interpreter, package_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RUN, ATTACH, HANDLER, SYSTEM = "run", "attach", "install_handler", "system"
WAYS: Final = (RUN, ATTACH, HANDLER, SYSTEM)
KINDS: Final[Mapping[str, str]] = {
    "null_read": "memory read at 0, by ctypes",
    "null_read_in_thread": "the same in another thread",
    "abort": "abort",
    "stack_overflow": "stack overflow",
    "cpp_exception": "C++ exception that nobody catches",
    "handled": "a fault that the program handles",
    "python_exception": "Python exception that nobody catches",
}
"""Name in `crash.py` -> for people."""
ENOUGH = 30.0
"""Seconds for one program."""
LIMIT = 240.0
"""Seconds for all: what comes later is not tried."""
_SETTLE = 5.0
"""Seconds that the system's handler gets after the program has ended."""
_SHORTLY = 0.5
"""The same for others."""


class HandlerPlace(NamedTuple):
    """Where the system's handler leaves dumps of ours."""

    folder: str
    limit: int
    """Dumps that the folder may hold; beyond it the oldest goes."""


@dataclass(frozen=True, slots=True)
class Trial:
    kind: str
    """One of `KINDS`."""
    way: str
    """One of `WAYS`."""
    expected: bool
    """A dump."""
    dumps: int | None
    """How many there were; None: not tried."""
    note: str = ""
    """What is wrong, or why it was not tried."""

    @property
    def good(self) -> bool | None:
        """None: not tried."""
        return None if self.dumps is None else not self.note and self.dumps == int(self.expected)


def self_test(handler: HandlerPlace | None) -> Iterator[Trial]:
    """`handler`: None: the system's is not ours, and not tried."""
    ends = time.monotonic() + LIMIT
    with tempfile.TemporaryDirectory(prefix="mdmp-doctor-", ignore_cleanup_errors=True) as folder:
        for kind in KINDS:
            for way in WAYS:
                expected = _is_expected(kind, way)
                if time.monotonic() > ends:
                    yield Trial(kind, way, expected, None, f"not tried: {LIMIT:g} s are over")
                elif way == SYSTEM and (why_not := _why_not(handler)):
                    yield Trial(kind, way, expected, None, f"not tried: {why_not}")
                else:
                    place = os.path.join(folder, f"{kind}-{way}")
                    os.mkdir(place)
                    yield _try(kind, way, expected, place, handler)


def _is_expected(kind: str, way: str) -> bool:
    if kind == "abort" and sys.platform == "win32":
        from mdmp.monitor.windows.doctor import is_wine

        return not is_wine()  # there it is an end like any other
    return kind != "handled" and (kind != "python_exception" or way == HANDLER)


def _why_not(handler: HandlerPlace | None) -> str:
    if handler is None:
        return "mdmp is not the system's handler"
    if len(list(Path(handler.folder).glob("*.dmp"))) >= handler.limit:
        return f"older dumps in {handler.folder} would have to go"
    return ""


def _try(kind: str, way: str, expected: bool, folder: str, handler: HandlerPlace | None) -> Trial:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MDMP_")}
    environment |= {"MDMP_DUMP_FOLDER": folder, "MDMP_DUMP_TYPE": "mini", "MDMP_DUMP_NOTICE": "none"}
    environment |= {"MDMP_DUMP_LOG": "false", "MDMP_DUMP_MIN_FREE": "0", "MDMP_DUMP_REPEAT": "0"}
    program = [interpreter(), "-I", _script(), kind]
    try:
        if way == RUN:
            pid = _run([*_mdmp("run"), "--", *program], environment)
        elif way == ATTACH:
            pid = _attach([*program, "--wait"], environment)
        elif way == HANDLER:
            pid = _run([*program, "--handler", _paths(), folder], environment)
        else:
            pid = _run([*program, "--system"], environment)
    except (OSError, subprocess.SubprocessError) as problem:
        return Trial(kind, way, expected, 0, f"it did not come to an end: {problem}")
    if way == SYSTEM and handler is not None:
        found = _dumps(handler.folder, pid, _SETTLE)
    else:
        found = _dumps(folder, None, _SHORTLY if expected else 0.0)
    note = "; ".join(filter(None, map(_problem, found)))
    for path in found:
        with suppress(OSError):
            path.unlink()
    return Trial(kind, way, expected, len(found), note)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    process = _start(command, environment, subprocess.DEVNULL)
    try:
        process.communicate(timeout=ENOUGH)
    finally:
        _end(process)
    return process.pid


def _attach(program: Sequence[str], environment: Mapping[str, str]) -> int:
    process = _start(program, environment, subprocess.PIPE)
    watcher = None
    try:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        command = [*_mdmp("attach"), str(process.pid)]
        watcher = _start(command, environment, subprocess.DEVNULL)
        _until_watched(process.pid, watcher)
        process.communicate(b"now\n", timeout=ENOUGH)
        watcher.communicate(timeout=ENOUGH)
    finally:
        _end(process)
        if watcher is not None:
            _end(watcher)
    return process.pid


def _start(command: Sequence[str], environment: Mapping[str, str], stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _until_watched(pid: int, watcher: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + ENOUGH
    while not _is_watched(pid):
        if watcher.poll() is not None or time.monotonic() > ends:
            raise subprocess.SubprocessError("mdmp attach did not attach")
        time.sleep(0.02)


def _is_watched(pid: int) -> bool:
    if sys.platform == "win32":
        from mdmp.monitor.windows.processes import has_debugger

        return has_debugger(pid)
    else:
        return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def _dumps(folder: str, pid: int | None, patience: float) -> list[Path]:
    """Those of a process, or all; whoever writes them may still be at it."""
    ends = time.monotonic() + patience
    while True:
        found = [path for path in Path(folder).glob("*.dmp") if pid is None or f".{pid}." in path.name]
        if found or time.monotonic() > ends:
            return found
        time.sleep(0.05)


def _problem(path: Path) -> str:
    """What is wrong with a dump."""
    try:
        snapshot = load(path)
    except MdmpError as problem:
        return f"the dump cannot be opened: {problem}"
    if not snapshot.threads or not snapshot.modules:
        return "the dump has no threads or no modules"
    return ""


def _mdmp(command: str) -> list[str]:
    code = (
        "import os, sys; sys.path += sys.argv.pop(1).split(os.pathsep); "
        "from mdmp.cli.__main__ import main; sys.exit(main())"
    )
    return [sys.executable, "-I", "-c", code, _paths(), command]


def _script() -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "crash.py")


def _paths() -> str:
    """Where this mdmp is, and what it needs besides."""
    return os.pathsep.join(dict.fromkeys((package_root(), *filter(os.path.isabs, sys.path))))
