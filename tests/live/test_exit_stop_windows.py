"""The stop at the end of a process, on Windows Python under the machine's Wine."""

import json

import pytest
from wine import Wine

pytestmark = pytest.mark.wine
TAKEN = r"""
import ctypes, json, os
from types import SimpleNamespace
from mdmp.capture.windows import win32
from mdmp.capture.windows.memory import WindowsMemory
from mdmp.monitor.windows.exit_stop import ExitStop

kernel = ctypes.WinDLL("kernel32")
kernel.GetModuleHandleW.restype = kernel.GetProcAddress.restype = ctypes.c_void_p
kernel.GetProcAddress.argtypes = ctypes.c_void_p, ctypes.c_char_p
ntdll = kernel.GetModuleHandleW("ntdll.dll")
place = kernel.GetProcAddress(ntdll, b"RtlExitUserProcess")
process = kernel.OpenProcess(0x1FFFFF, False, os.getpid())
sent = []
us = SimpleNamespace(
    process=process,
    modules={ntdll: None},
    memory=WindowsMemory(process, ((0, 1 << 64),)),
    word=8,
    go_to=lambda tid, address: sent.append((tid, address == place)),
    context=lambda tid: SimpleNamespace(registers={"rcx": 40 + tid}),
)
stop = ExitStop(us)
told = [stop.take(1, place), stop.set(), stop.take(1, place + 1), stop.take(1, place), stop.is_set, stop.take(2, place)]
us.memory = SimpleNamespace(read_some=lambda address, size: b"\xcc")  # somebody's own breakpoint
print(json.dumps([told, stop.take(3, place), sent]))
"""


def test_threads_that_come_to_it_at_the_same_moment(windows: Wine) -> None:
    """The first one is told and clears it; the second one has met it by then."""
    done = windows.run_python("-c", TAKEN)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[None, True, None, 41, False, 42], None, [[1, True], [2, True]]]
