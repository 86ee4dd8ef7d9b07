"""One process that is debugged: its memory, and what events told of it."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from mdmp.arch import CPUS
from mdmp.formats.minidump.contexts.choose import encode_context
from mdmp.monitor.fault import Subject
from mdmp.snapshot.stacks import pointer_of

if TYPE_CHECKING:
    from mdmp.monitor.windows.events import Printed
    from mdmp.snapshot import Context

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.contexts import ContextReader
from mdmp.capture.windows.memory import WindowsMemory
from mdmp.capture.windows.system import cpu_of
from mdmp.monitor.windows.exit_stop import ExitStop
from mdmp.monitor.windows.overflow import Overflows
from mdmp.monitor.windows.processes import image_path
from mdmp.monitor.windows.uncaught import Thrown

MAX_OUTPUT = 1 << 16
"""Bytes of debug output that are kept, the last ones."""
MAX_NAME = 256
_ALIGNMENT = 16
_EVERYTHING = ((0, 1 << 64),)


class Debuggee:
    def __init__(self, pid: int, process: int, base: int, attached: bool) -> None:
        """`process`: a handle, the debug API's own. `attached`: it ran before."""
        self.process = process
        self.modules: dict[int, str | None] = {base: None}
        """Address -> file name, as soon as somebody wanted to know."""
        self.memory = WindowsMemory(process, _EVERYTHING)
        self.cpu, self.is_wow64 = cpu_of(process)
        """Its processor; whether it is a 32-bit program under a 64-bit debugger."""
        self.word = 8 if self.cpu in ("amd64", "arm64") else 4
        """Bytes of a pointer."""
        self.subject = Subject(pid, image_path(process))
        self.breakpoints = 2 if self.is_wow64 and not attached else 1
        """Of the system, which only say that debugging begins, still to come."""
        self.threads: dict[int, int] = {}
        """Thread -> its handle, the debug API's own."""
        self.names: dict[int, str] = {}
        """Of threads, as the program told the debugger."""
        self._contexts = ContextReader(self.cpu, self.is_wow64)
        self.overflows = Overflows()
        self.thrown = Thrown(self.memory)
        self.exit_stop = ExitStop(self)
        self.crashed = -inf
        """When we saw what it will end by, by the clock `time.monotonic`."""
        self._output: deque[str] = deque()
        self._size = 0

    def forget(self, tid: int) -> None:
        """A thread has ended; the next one may get its number."""
        self.threads.pop(tid, None)
        self.names.pop(tid, None)
        self.overflows.forget(tid)
        self.thrown.forget(tid)

    def context(self, tid: int) -> Context | None:
        """The registers of a thread that stands still; None when it has ended."""
        return self._contexts.read(self.threads.get(tid, 0))

    def depth(self, tid: int) -> int | None:
        """The stack pointer of a thread that may run; None when it has ended."""
        thread = self.threads.get(tid, 0)
        with suppress(OSError):
            win32.SuspendThread(thread)
            try:
                return pointer_of(self.context(tid), "sp")
            finally:
                win32.ResumeThread(thread)
        return None

    def go_to(self, tid: int, address: int) -> None:
        """Where a thread that stands still goes on."""
        if context := self.context(tid):
            registers = {**context.registers, CPUS[self.cpu].pc: address}
            raw = encode_context(self.cpu, True, registers, context.vector, None) or b""
            buffer = ctypes.create_string_buffer(len(raw) + _ALIGNMENT)
            place = -(-ctypes.addressof(buffer) // _ALIGNMENT) * _ALIGNMENT
            ctypes.memmove(place, raw, len(raw))
            set_context = win32.Wow64SetThreadContext if self.is_wow64 else win32.SetThreadContext
            set_context(self.threads[tid], place)

    @property
    def output(self) -> tuple[str, ...]:
        """The lines of debug output, the last ones."""
        return tuple(line for line in "".join(self._output).splitlines() if line.strip())

    def printed(self, what: Printed) -> str:
        size = what.length * 2 if what.wide else what.length
        raw = self.memory.read_some(what.address, min(size, MAX_OUTPUT))
        return raw.decode("utf-16-le" if what.wide else "mbcs", "replace").partition("\0")[0]

    def keep_output(self, text: str) -> None:
        if text:
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
