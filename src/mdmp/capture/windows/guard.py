"""Somebody who lets suspended threads go when we are killed: nothing else of Windows does.

A small process hears of each thread before it is suspended, through a pipe. When the pipe ends, because we do, it
resumes those that were not taken back.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import IO

assert sys.platform == "win32"

_CODE = """
import ctypes, sys
kernel, held = ctypes.WinDLL("kernel32"), set()
kernel.OpenThread.restype = ctypes.c_void_p
for line in sys.stdin:
    (held.add if line[0] == "+" else held.discard)(int(line[1:]))
for tid in held:
    thread = ctypes.c_void_p(kernel.OpenThread(0x0802, False, tid))
    if thread and kernel.GetProcessIdOfThread(thread) == int(sys.argv[1]):
        kernel.ResumeThread(thread)
"""


class Guard:
    def __init__(self, pid: int) -> None:
        """Does nothing where no such process can be started."""
        self._pipe: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if getattr(sys, "frozen", False) or not sys.executable:
            return
        with suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _CODE, str(pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                creationflags=subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
            )
            self._pipe = self._process.stdin

    def take(self, tid: int) -> None:
        """Before a thread is suspended."""
        self._say(b"+%d\n" % tid)

    def give_back(self, tid: int) -> None:
        """After it was resumed, or could not be suspended."""
        self._say(b"-%d\n" % tid)

    def _say(self, line: bytes) -> None:
        if self._pipe:
            with suppress(OSError):
                self._pipe.write(line)

    def close(self) -> None:
        if self._pipe and self._process:
            with suppress(OSError):
                self._pipe.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
