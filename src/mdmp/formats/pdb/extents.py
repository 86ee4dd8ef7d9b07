"""Stretches of code in sections, many of them, kept in columns: a module may have hundreds of thousands."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from operator import add, ge, gt
from typing import NamedTuple

MAX_STEPS = 1024
"""How many stretches that start before an address are asked whether they reach it."""


class Extent(NamedTuple):
    """[offset, offset + size) of a section, and where what is known about it stands: [position, end) of a stream."""

    section: int
    offset: int
    size: int
    kind: int
    position: int
    end: int


class ExtentTable:
    """Add rows to `new`: (section << 32 | offset, size, kind, position, end). `pack` now and then; `seal` them all."""

    __slots__ = ("_columns", "_reach", "new", "starts")

    def __init__(self) -> None:
        self.new: list[tuple[int, int, int, int, int]] = []
        self.starts = array("Q")
        self._columns = [array("I"), array("H"), array("I"), array("I")]  # sizes, kinds, positions, ends
        self._reach = array("Q")

    def pack(self) -> None:
        """Move the new rows into the columns, where they take a tenth of the memory."""
        if self.new:
            for column, values in zip((self.starts, *self._columns), zip(*self.new, strict=True), strict=True):
                column.extend(values)
            self.new.clear()

    def seal(self) -> None:
        """Sort by start; of those with one start the shortest comes last."""
        self.pack()
        starts, sizes = self.starts, self._columns[0]
        if any(map(ge, starts, islice(starts, 1, None))):
            keys = [start << 32 | 0xFFFFFFFF - size for start, size in zip(starts, sizes, strict=True)]
            order = sorted(range(len(keys)), key=keys.__getitem__)
            starts = self.starts = array("Q", map(starts.__getitem__, order))
            self._columns = [array(c.typecode, map(c.__getitem__, order)) for c in self._columns]
        self._reach = array("Q", map(add, starts, self._columns[0]))
        if any(map(gt, self._reach, islice(starts, 1, None))):
            self._reach = array("Q", accumulate(self._reach, max))

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Extent]:
        return map(self._get, range(len(self.starts)))

    def _get(self, index: int) -> Extent:
        start = self.starts[index]
        size, kind, position, end = (column[index] for column in self._columns)
        return Extent(start >> 32, start & 0xFFFFFFFF, size, kind, position, end)

    def find(self, section: int, offset: int) -> Extent | None:
        """The extent that starts last among those that cover a place."""
        place = section << 32 | offset
        last = bisect_right(self.starts, place) - 1
        for index in range(last, max(last - MAX_STEPS, -1), -1):
            if self._reach[index] <= place:
                return None
            if place < self.starts[index] + self._columns[0][index]:
                return self._get(index)
        return None

    def nearest(self, section: int, offset: int) -> Extent | None:
        """The last extent of the section that does not start behind `offset`, whatever its size."""
        index = bisect_right(self.starts, section << 32 | offset) - 1
        return self._get(index) if index >= 0 and self.starts[index] >> 32 == section else None
