"""A line on the terminal of a process that crashed, and on no other."""

import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from keeping import keep

from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.finalize.describe import describe
from mdmp.monitor.finalize.notice import notify_terminal, open_terminal
from mdmp.monitor.keeper import Outcome
from mdmp.monitor.policy.settings import Decision, Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes of Linux")
SUBJECT = Subject(123, "/tmp/\x1b]0;owned\x07\nshop", None, None, {})
FAULT = Fault("access_violation", SUBJECT, "a\r\nb\u202e\udcff", how="postmortem")
HOSTILE = Outcome(FAULT, Decision("heap", Settings(), "/dumps"))
_BEGIN = "import fcntl, os, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
_READY = "os.write(1, b'ready\\n'); signal.pause()"


def heard(master: int, wanted: str) -> str:
    """What comes out of a terminal, until `wanted` has come and ended a line: it comes in pieces."""
    text = ""
    while wanted not in text or not text.endswith("\n"):
        ready, _, _ = select.select([master], [], [], 10)
        assert ready, text
        text += os.read(master, 10000).decode()
    return text.strip()


@contextmanager
def on_a_terminal(*lines: str) -> Iterator[tuple[int, int]]:
    """A Python whose controlling terminal is a new one: its number, and the other end. It runs `lines`, then waits."""
    master, slave = os.openpty()
    code = "\n".join((_BEGIN, *lines, _READY))
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        heard(master, "ready")
        yield child.pid, master
    finally:
        child.kill()
        child.wait()
        os.close(master)


def test_the_terminal_of_a_process() -> None:
    with on_a_terminal() as (pid, master):
        terminal = open_terminal(replace(SUBJECT, pid=pid, uid=os.geteuid()))
        assert terminal is not None
        try:
            notify_terminal(HOSTILE, terminal)
        finally:
            os.close(terminal)
        assert heard(master, describe(HOSTILE)) == f"mdmp: {describe(HOSTILE)}"


def test_a_terminal_of_somebody_else() -> None:
    with on_a_terminal() as (pid, _):
        assert open_terminal(replace(SUBJECT, pid=pid, uid=os.geteuid() + 1)) is None
        assert open_terminal(replace(SUBJECT, pid=pid, uid=None)) is None


def test_a_process_with_other_files_than_its_terminal(tmp_path: Path) -> None:
    """None of them is opened: a pipe would hold us, some devices do things."""
    os.mkfifo(tmp_path / "pipe")
    code = (
        f"os.dup2(os.open({str(tmp_path / 'pipe')!r}, os.O_RDWR), 2)",
        "os.dup2(os.open('/dev/null', os.O_RDWR), 0)",
    )
    with on_a_terminal(*code) as (pid, _):
        terminal = open_terminal(replace(SUBJECT, pid=pid, uid=os.geteuid()))
        assert terminal is not None and stat.S_ISCHR(os.fstat(terminal).st_mode)
        assert os.isatty(terminal)
        os.close(terminal)


def test_no_terminal() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        assert open_terminal(replace(SUBJECT, pid=child.pid, uid=os.geteuid())) is None
    finally:
        child.communicate()
    assert open_terminal(replace(SUBJECT, pid=child.pid, uid=os.geteuid())) is None


def test_a_terminal_that_is_stopped_does_not_hold_us() -> None:
    with on_a_terminal() as (pid, _):
        terminal = open_terminal(replace(SUBJECT, pid=pid, uid=os.geteuid()))
        assert terminal is not None
        for _ in range(2000):
            notify_terminal(HOSTILE, terminal)
        os.close(terminal)


def test_the_terminal_is_told_when_the_process_has_gone(tmp_path: Path) -> None:
    with on_a_terminal() as (pid, master):

        def end() -> None:
            os.kill(pid, signal.SIGKILL)
            while os.path.exists(f"/proc/{pid}/fd/0"):
                time.sleep(0.001)

        outcome = keep(tmp_path, pid=pid, how="postmortem", meanwhile=end, notice=["terminal"], log=False)
        assert outcome.saved and outcome.notes == ()
        assert heard(master, describe(outcome)) == f"mdmp: {describe(outcome)}"
