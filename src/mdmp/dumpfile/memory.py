"""Memory64List, MemoryList and the stacks of the thread list <-> the bytes of a `MemoryReader`."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from operator import add, itemgetter, le
from typing import TYPE_CHECKING

from mdmp.binary.window import Window
from mdmp.errors import IssueLog, MemoryUnavailable
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.memory64_list import Memory64List
    from mdmp.formats.minidump.streams.thread_list import MINIDUMP_THREAD

Range = tuple[int, int, int]
"""Address, size, file offset."""
_SIZE = itemgetter(1)
_OFFSET = itemgetter(2)


def kept_ranges(dump: Minidump) -> list[Range]:
    """What the dump keeps, in the order of its lists, cut where the file ends; may overlap."""
    ranges: list[Range] = []
    full: Memory64List | None = dump.stream(table.MEMORY64_LIST)
    if full is not None and full.ranges:
        starts, sizes = zip(*full.ranges.tuples(), strict=True)
        ranges += zip(starts, sizes, accumulate(sizes, initial=full.header.BaseRva), strict=False)
    mini: RecordList[MINIDUMP_MEMORY_DESCRIPTOR] | None = dump.stream(table.MEMORY_LIST)
    if mini is not None:
        ranges += mini.tuples()  # address, size, offset: just what it holds
    threads: RecordList[MINIDUMP_THREAD] | None = dump.stream(table.THREAD_LIST)
    if threads is not None:
        stacks = [scalars[5:8] for scalars in threads.tuples() if scalars[7]]
        if stacks:
            listed = {start for start, _, _ in ranges}
            ranges += (stack for stack in stacks if stack[0] not in listed)
    end = len(dump.window)
    if ranges and max(map(add, map(_SIZE, ranges), map(_OFFSET, ranges))) > end:
        ranges = _cut(ranges, end, dump.issues)
    return ranges


def _cut(ranges: list[Range], end: int, issues: IssueLog) -> list[Range]:
    missing = sum(min(size, max(0, offset + size - end)) for _, size, offset in ranges)
    count = sum(offset + size > end for _, size, offset in ranges)
    issues.add(
        "memory", f"{count} of {len(ranges)} ranges reach beyond the end of the file; {missing} bytes are lost", end
    )
    return [(start, min(size, end - offset), offset) for start, size, offset in ranges if offset < end]


class DumpMemory:
    """A `MemoryReader` over the file. The index is built at the first question, bytes are read at each."""

    def __init__(self, window: Window, ranges: list[Range]) -> None:
        self._window = window
        self._kept = ranges

    @cached_property
    def _index(self) -> tuple[list[int], list[int], list[int]]:
        """Starts, ends (exclusive) and file offsets, sorted, without overlaps: where two overlap the first counts."""
        ranges = sorted(filter(_SIZE, self._kept))
        starts = [start for start, _, _ in ranges]
        ends = list(map(add, starts, map(_SIZE, ranges)))
        if all(map(le, ends, starts[1:])):
            return starts, ends, list(map(_OFFSET, ranges))
        starts, ends, offsets, reach = [], [], [], 0
        for start, size, offset in ranges:
            skip = max(0, reach - start)
            if skip < size:
                starts.append(start + skip)
                ends.append(start + size)
                offsets.append(offset + skip)
                reach = start + size
        return starts, ends, offsets

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, size) of what is kept, sorted; ranges that touch are joined."""
        starts, ends, _ = self._index
        firsts = [i for i, (start, before) in enumerate(zip(starts, (-1, *ends), strict=False)) if start != before]
        lasts = [i - 1 for i in firsts[1:]] + [len(ends) - 1]
        return tuple((starts[i], ends[k] - starts[i]) for i, k in zip(firsts, lasts, strict=False))

    def read(self, address: int, size: int) -> bytes:
        starts, ends, offsets = self._index
        i = bisect_right(starts, address) - 1
        if i >= 0 and 0 <= size <= ends[i] - address:
            at = offsets[i] + address - starts[i]
            return self._window.read(at, size)
        raw = self.read_some(address, size) if self._holds(i, address, size) else b""
        if len(raw) != size or size <= 0:
            raise MemoryUnavailable(address, size)
        return raw

    def _holds(self, i: int, address: int, size: int) -> bool:
        """Is there no gap up to the end? Asked first, so that a huge request costs nothing."""
        starts, ends, _ = self._index
        if i < 0 or address >= ends[i]:
            return False
        while ends[i] < address + size:
            if i + 1 == len(starts) or starts[i + 1] != ends[i]:
                return False
            i += 1
        return True

    def read_some(self, address: int, size: int) -> bytes:
        starts, ends, offsets = self._index
        i = bisect_right(starts, address) - 1
        pieces = []
        while 0 <= i < len(starts) and starts[i] <= address < ends[i] and size > 0:
            step = min(size, ends[i] - address)
            pieces.append(self._window.read(offsets[i] + address - starts[i], step))
            address, size, i = address + step, size - step, i + 1
        return b"".join(pieces)

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None
