"""One process that is debugged: its memory, and what events told of it."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from typing import TYPE_CHECKING

from mdmp.capture.windows import win32
from mdmp.errors import MemoryUnavailable
from mdmp.monitor.fault import Subject

if TYPE_CHECKING:
    from mdmp.monitor.windows.events import Printed

assert sys.platform == "win32"

MAX_OUTPUT = 1 << 16
"""Bytes of debug output that are kept, the last ones."""
MAX_NAME = 256
_PAGE = 4096
_LONGEST_PATH = 32768


class Peek:
    """The memory of a process, for a few words of it. A `MemoryReader`."""

    ranges: tuple[tuple[int, int], ...] = ()
    """Nobody has looked."""

    def __init__(self, process: int) -> None:
        self._process = process

    def read(self, address: int, size: int) -> bytes:
        found = self.read_some(address, size)
        if len(found) < size:
            raise MemoryUnavailable(address, size)
        return found

    def read_some(self, address: int, size: int) -> bytes:
        found = self._read(address, size)
        if found is not None:
            return found
        parts = []
        end = address + size
        while address < end:
            part = self._read(address, min(end, (address | (_PAGE - 1)) + 1) - address)
            if part is None:
                break
            parts.append(part)
            address += len(part)
        return b"".join(parts)

    def word(self, address: int, size: int) -> int | None:
        raw = self._read(address, size)
        return None if raw is None else int.from_bytes(raw, "little")

    def _read(self, address: int, size: int) -> bytes | None:
        if not 0 <= address < 1 << 64 or size <= 0:
            return None
        buffer = ctypes.create_string_buffer(size)
        done = ctypes.c_size_t()
        try:
            win32.ReadProcessMemory(self._process, address, ctypes.addressof(buffer), size, ctypes.byref(done))
        except OSError:
            return None
        return buffer.raw if done.value == size else None


class Debuggee:
    def __init__(self, pid: int, process: int, base: int, attached: bool) -> None:
        """`process`: a handle, the debug API's own. `attached`: it ran before."""
        self.process = process
        self.base = base
        self.memory = Peek(process)
        self.word = 4 if _is_wow64(process) or ctypes.sizeof(ctypes.c_void_p) == 4 else 8
        self.subject = Subject(pid, _path(process))
        self.breakpoints = 2 if self.is_wow64 and not attached else 1
        """Of the system, which only say that debugging begins, still to come."""
        self.threads: dict[int, int] = {}
        """Thread -> its handle, the debug API's own."""
        self.names: dict[int, str] = {}
        """Of threads, as the program told the debugger."""
        self._output: deque[str] = deque()
        self._size = 0

    @property
    def is_wow64(self) -> bool:
        """A 32-bit program under a 64-bit debugger."""
        return self.word == 4 and ctypes.sizeof(ctypes.c_void_p) == 8

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


def _path(process: int) -> str:
    size = win32.DWORD(_LONGEST_PATH)
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    try:
        win32.QueryFullProcessImageNameW(process, 0, ctypes.addressof(buffer), ctypes.byref(size))
    except OSError:
        return ""
    return buffer.value
