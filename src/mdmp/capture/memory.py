"""The memory of a living process as a `MemoryReader`, whatever the system."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable

from mdmp.errors import MemoryUnavailable

MAX_READ = 1 << 30


def joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """(start, size), sorted by start; those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, size in spans:
        if found and sum(found[-1]) == start:
            found[-1] = (found[-1][0], found[-1][1] + size)
        else:
            found.append((start, size))
    return tuple(found)


class ProcessMemory(ABC):
    """Reads when asked; good as long as the process (or its copy) stands still. For one thread at a time."""

    def __init__(self, ranges: tuple[tuple[int, int], ...], step: int) -> None:
        """`step`: bytes read at once. What goes through one buffer of such a size stays in the processor's cache."""
        self.ranges = ranges
        self._starts = [start for start, _ in ranges]
        self._step = step

    def close(self) -> None:
        """Afterwards nothing can be read."""
        self.ranges, self._starts = (), []

    @abstractmethod
    def _fill(self, address: int, size: int) -> memoryview:
        """Up to `size` bytes, valid until the next call; nothing when not even the first can be read."""

    def _left(self, address: int, size: int) -> int:
        """How many of the bytes lie in the range that holds the first."""
        i = bisect_right(self._starts, address) - 1
        if i < 0:
            return 0
        start, length = self.ranges[i]
        return max(0, min(size, start + length - address))

    def peek(self, address: int, size: int) -> memoryview:
        """Up to a step's bytes, without making a copy: they are valid until the next question."""
        size = min(self._left(address, size), self._step)
        return self._fill(address, size) if size > 0 else memoryview(b"")

    def read_some(self, address: int, size: int) -> bytes:
        size = min(self._left(address, size), MAX_READ)
        if size <= self._step:
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
