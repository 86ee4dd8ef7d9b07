"""One process that is debugged: its memory, and what events told of it."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from typing import TYPE_CHECKING

from mdmp.monitor.fault import Subject

if TYPE_CHECKING:
    from mdmp.monitor.windows.events import Printed

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.memory import WindowsMemory
from mdmp.monitor.windows.exit_stop import ExitStop
from mdmp.monitor.windows.overflow import Overflows
from mdmp.monitor.windows.processes import image_path
from mdmp.monitor.windows.registers import Registers
from mdmp.monitor.windows.uncaught import Thrown

MAX_OUTPUT = 1 << 16
"""Bytes of debug output that are kept, the last ones."""
MAX_NAME = 256
_EVERYTHING = ((0, 1 << 64),)


class Debuggee:
    def __init__(self, pid: int, process: int, base: int, attached: bool) -> None:
        """`process`: a handle, the debug API's own. `attached`: it ran before."""
        self.process = process
        self.modules: dict[int, str | None] = {base: None}
        """Address -> file name, as soon as somebody wanted to know."""
        self.memory = WindowsMemory(process, _EVERYTHING)
        self.word = 4 if _is_wow64(process) or ctypes.sizeof(ctypes.c_void_p) == 4 else 8
        self.subject = Subject(pid, image_path(process))
        self.breakpoints = 2 if self.is_wow64 and not attached else 1
        """Of the system, which only say that debugging begins, still to come."""
        self.threads: dict[int, int] = {}
        """Thread -> its handle, the debug API's own."""
        self.names: dict[int, str] = {}
        """Of threads, as the program told the debugger."""
        self.overflows = Overflows()
        self.thrown = Thrown(self.memory)
        self.exit_stop = ExitStop(self)
        self.crashed = False
        """It will end by what we have seen already."""
        self._output: deque[str] = deque()
        self._size = 0

    @property
    def is_wow64(self) -> bool:
        """A 32-bit program under a 64-bit debugger."""
        return self.word == 4 and ctypes.sizeof(ctypes.c_void_p) == 8

    def registers(self, tid: int) -> Registers:
        """`OSError` when the thread has ended."""
        return Registers(self.threads.get(tid, 0), self.word == 4)

    def depth(self, tid: int) -> int:
        """The stack pointer of a thread that may run."""
        thread = self.threads.get(tid, 0)
        win32.SuspendThread(thread)
        try:
            return self.registers(tid).stack_pointer
        finally:
            win32.ResumeThread(thread)

    @property
    def output(self) -> tuple[str, ...]:
        """The lines of debug output, the last ones."""
        return tuple(line for line in "".join(self._output).splitlines() if line.strip())

    def print(self, what: Printed) -> None:
        size = what.length * 2 if what.wide else what.length
        raw = self.memory.read_some(what.address, min(size, MAX_OUTPUT))
        text = raw.decode("utf-16-le" if what.wide else "mbcs", "replace").partition("\0")[0]
        self._output.append(text)
        self._size += len(text)
        while self._size > MAX_OUTPUT:
            self._size -= len(self._output.popleft())

    def name_thread(self, tid: int, parameters: tuple[int, ...]) -> None:
        """By an exception that is raised only for debuggers: 0x1000, address of the name, thread (-1: the same)."""
        if len(parameters) >= 3:
            kind, address, thread = parameters[0] & 0xFFFFFFFF, parameters[1], parameters[2] & 0xFFFFFFFF
            raw = self.memory.read_some(address, MAX_NAME).partition(b"\0")[0]
            if kind == 0x1000 and raw:
                self.names[tid if thread == 0xFFFFFFFF else thread] = raw.decode("mbcs", "replace")


def _is_wow64(process: int) -> bool:
    answer = win32.BOOL()
    win32.IsWow64Process(process, ctypes.byref(answer))
    return bool(answer.value)
