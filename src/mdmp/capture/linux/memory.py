"""The memory of a living process as a `MemoryReader`."""

from __future__ import annotations

import os
from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.capture.linux.syscalls import ReadBuffer
from mdmp.errors import MemoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mdmp.formats.proc.maps import Mapping

BUFFER = 1 << 18
"""Bytes read at once: what goes through one buffer of this size stays in the processor's cache."""
MAX_READ = 1 << 30
_OF_THE_KERNEL = ("[vvar", "[vsyscall]")
"""No memory that can be read from outside, whatever the permissions say."""


def readable(maps: Iterable[Mapping]) -> tuple[tuple[int, int], ...]:
    """(start, size) of what can be read, ranges that touch joined."""
    found: list[tuple[int, int]] = []
    for mapping in maps:
        if mapping.permissions[0] == "r" and not mapping.path.startswith(_OF_THE_KERNEL):
            if found and sum(found[-1]) == mapping.start:
                found[-1] = (found[-1][0], found[-1][1] + mapping.size)
            else:
                found.append((mapping.start, mapping.size))
    return tuple(found)


class LiveMemory:
    """Reads when asked; good as long as the process (or its copy) stands still. For one thread at a time."""

    def __init__(
        self, pid: int, ranges: tuple[tuple[int, int], ...], is_copy: bool = False, file: int | None = None
    ) -> None:
        """`is_copy`: `pid` shares its memory with another process. To read such pages by process_vm_readv the kernel
        makes them its own first, as for writing; through /proc/PID/mem it does not.

        `file`: /proc/PID/mem, opened by who may; all is read through it, and `close` closes it."""
        self.ranges = ranges
        self._pid = pid
        self._only_file = is_copy or file is not None
        self._starts = [start for start, _ in ranges]
        self._buffer = ReadBuffer(BUFFER)
        self._file = -1 if file is None else file
        if file is None:
            with suppress(OSError):
                self._file = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Afterwards nothing can be read."""
        if self._file >= 0:
            os.close(self._file)
        self.ranges, self._starts, self._file = (), [], -1

    def _left(self, address: int, size: int) -> int:
        """How many of the bytes lie in the range that holds the first."""
        i = bisect_right(self._starts, address) - 1
        if i < 0:
            return 0
        start, length = self.ranges[i]
        return max(0, min(size, start + length - address))

    def peek(self, address: int, size: int) -> memoryview:
        """Up to `BUFFER` bytes, without making a copy: they are valid until the next question."""
        size = min(self._left(address, size), BUFFER)
        if size <= 0:
            return memoryview(b"")
        if not self._only_file:
            with suppress(OSError):
                return self._buffer.fill(self._pid, address, size)
        return self._from_file(address, size)

    def _from_file(self, address: int, size: int) -> memoryview:
        """Also a second way for where process_vm_readv is forbidden; nothing for pages that are not there."""
        view = self._buffer.view[:size]
        try:
            return view[: os.preadv(self._file, [view], address)] if address < 1 << 63 else view[:0]
        except OSError:
            return view[:0]

    def read_some(self, address: int, size: int) -> bytes:
        size = min(self._left(address, size), MAX_READ)
        if size <= BUFFER:
            return bytes(self.peek(address, size))
        pieces = bytearray()
        while len(pieces) < size:
            piece = self.peek(address + len(pieces), size - len(pieces))
            if not piece:
                break
            pieces += piece
        return bytes(pieces)

    def read(self, address: int, size: int) -> bytes:
        raw = self.read_some(address, size) if 0 < size == self._left(address, size) else b""
        if len(raw) != size or not size:
            raise MemoryUnavailable(address, size)
        return raw

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None
