"""Words of a thread's stack, read in blocks because a walk asks for so many."""

from struct import Struct

from mdmp.unwind.source import Memory

_BLOCK = 1 << 15


class StackWords:
    """`word(address)` for one walk. `low` and `high` bound the stack when they are known."""

    __slots__ = ("_data", "_last", "_memory", "_size", "_start", "_unpack", "high", "low")

    def __init__(self, memory: Memory, size: int, bounds: tuple[int, int] | None) -> None:
        self._memory = memory
        self._size = size
        self._unpack = Struct("<Q" if size == 8 else "<I").unpack_from
        self._data = b""
        self._start = 0
        self._last = -1
        self.low, self.high = bounds or (0, 1 << 8 * size)

    def word(self, address: int) -> int | None:
        """The pointer-sized word at `address`, or None."""
        at = address - self._start
        if 0 <= at <= self._last:
            value: int = self._unpack(self._data, at)[0]
            return value
        data = self._memory.read_some(address, _BLOCK)
        if len(data) < self._size:
            return None
        self._data, self._start, self._last = data, address, len(data) - self._size
        first: int = self._unpack(data, 0)[0]
        return first
