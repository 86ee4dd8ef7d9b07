"""Stretches of code in sections, many of them, kept in columns: a module may have hundreds of thousands."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from operator import add
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
    """Columns of extents. Append to all of them, then `seal`; `starts` are section << 32 | offset."""

    __slots__ = ("_reach", "ends", "kinds", "positions", "sizes", "starts")

    def __init__(self) -> None:
        self.starts = array("Q")
        self.sizes = array("I")
        self.kinds = array("H")
        self.positions = array("I")
        self.ends = array("I")
        self._reach = array("Q")

    def seal(self) -> None:
        """Sort by start; of those with one start the shortest comes last."""
        keys = [start << 32 | 0xFFFFFFFF - size for start, size in zip(self.starts, self.sizes, strict=True)]
        if any(map(int.__gt__, keys, islice(keys, 1, None))):
            order = sorted(range(len(keys)), key=keys.__getitem__)
            for name in ("starts", "sizes", "kinds", "positions", "ends"):
                column = getattr(self, name)
                setattr(self, name, array(column.typecode, map(column.__getitem__, order)))
        self._reach = array("Q", accumulate(map(add, self.starts, self.sizes), max))

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Extent]:
        return map(self._get, range(len(self.starts)))

    def _get(self, index: int) -> Extent:
        start = self.starts[index]
        rest = self.sizes[index], self.kinds[index], self.positions[index], self.ends[index]
        return Extent(start >> 32, start & 0xFFFFFFFF, *rest)

    def find(self, section: int, offset: int) -> Extent | None:
        """The extent that starts last among those that cover a place."""
        place = section << 32 | offset
        last = bisect_right(self.starts, place) - 1
        for index in range(last, max(last - MAX_STEPS, -1), -1):
            if self._reach[index] <= place:
                return None
            if place < self.starts[index] + self.sizes[index]:
                return self._get(index)
        return None

    def nearest(self, section: int, offset: int) -> Extent | None:
        """The last extent of the section that does not start behind `offset`, whatever its size."""
        index = bisect_right(self.starts, section << 32 | offset) - 1
        return self._get(index) if index >= 0 and self.starts[index] >> 32 == section else None
