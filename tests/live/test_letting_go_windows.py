"""What becomes of programs of Windows that mdmp was attached to, under the machine's Wine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wine import Wine

pytestmark = pytest.mark.wine
RAISES = """
import ctypes, os, sys, threading
kernel = ctypes.WinDLL("kernel32")
go_on = ctypes.WINFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(lambda _: -1)
kernel.AddVectoredExceptionHandler(1, go_on)
reader = threading.Thread(target=sys.stdin.readline)
reader.start()
print(os.getpid(), flush=True)
while reader.is_alive():
    kernel.RaiseException(0xC00000FD, 0, 0, None)
os._exit(11)
"""
WAITS = """
import os, sys
print(os.getpid(), flush=True)
sys.stdin.readline()
os._exit(11)
"""
IS_SLOW = """
import sys
from mdmp.cli.__main__ import main
from mdmp.monitor.windows import debugger
def next_event(milliseconds, size, real=debugger.next_event):
    return real(milliseconds or 200, size)
debugger.next_event = next_event
sys.exit(main(sys.argv[1:]))
"""
DIES = """
import os, sys
from mdmp.capture.windows import win32
from mdmp.monitor.windows.debugger import Debugger
from mdmp.monitor.options import MonitorOptions
def attach(pid, real=win32.DebugActiveProcess):
    real(pid)
    os._exit(3)
win32.DebugActiveProcess = attach
Debugger(None, MonitorOptions(), print, "attach").attach(int(sys.argv[1]))
"""


@contextmanager
def program(windows: Wine, code: str) -> Iterator[str]:
    """The number of its process; at the end it is told to end, and does so by itself."""
    with windows.spawn("wine", windows.python, "-c", code) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
            child.communicate("\n", timeout=30)
            assert child.returncode == 11
        finally:
            child.kill()


def test_a_program_that_raises_exceptions_without_an_end(windows: Wine, tmp_path: Path) -> None:
    """So many that there always is another one. Each puts a stop at its end, its death without a debugger."""
    with program(windows, RAISES) as pid:
        options = ("-n", "1", "--first-chance", "C00000FD", "-o", windows.path(tmp_path))
        done = windows.run_python("-c", IS_SLOW, "attach", pid, *options, timeout=50)
        assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.dmp"))) == 1


def test_we_die_as_soon_as_we_are_attached(windows: Wine) -> None:
    with program(windows, WAITS) as pid:
        assert windows.run_python("-c", DIES, pid).returncode == 3
