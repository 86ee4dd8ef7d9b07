"""Memory64List, MemoryList and the stacks of the thread list <-> the bytes of a `MemoryReader`."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from operator import add, eq, le
from typing import TYPE_CHECKING, NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import IssueLog, MemoryUnavailable
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.memory64_list import Memory64List
    from mdmp.formats.minidump.streams.thread_list import MINIDUMP_THREAD


class Kept(NamedTuple):
    """What a dump keeps, in columns: full dumps have tens of thousands of ranges."""

    starts: list[int]
    sizes: list[int]
    offsets: list[int]
    """In the file."""


def kept_ranges(dump: Minidump) -> Kept:
    """In the order of the dump's lists, cut where the file ends; ranges may overlap."""
    starts: list[int] = []
    sizes: list[int] = []
    offsets: list[int] = []
    full: Memory64List | None = dump.stream(table.MEMORY64_LIST)
    if full is not None:
        starts, sizes = full.columns()
        offsets = list(accumulate(sizes, initial=full.header.BaseRva))[:-1]
    mini: RecordList[MINIDUMP_MEMORY_DESCRIPTOR] | None = dump.stream(table.MEMORY_LIST)
    more = [] if mini is None else list(mini.tuples())
    threads: RecordList[MINIDUMP_THREAD] | None = dump.stream(table.THREAD_LIST)
    stacks = [] if threads is None else [scalars[5:8] for scalars in threads.tuples() if scalars[7]]
    if stacks:
        listed = {*starts, *(one[0] for one in more)}
        more += (stack for stack in stacks if stack[0] not in listed)
    for start, size, offset in more:
        starts.append(start)
        sizes.append(size)
        offsets.append(offset)
    return cut(Kept(starts, sizes, offsets), len(dump.window), dump.issues)


def cut(kept: Kept, end: int, issues: IssueLog) -> Kept:
    """What of it lies before `end`, the end of the file; the rest is noted."""
    if max(map(add, kept.sizes, kept.offsets), default=0) <= end:
        return kept
    ranges = list(zip(*kept, strict=True))
    missing = sum(min(size, max(0, offset + size - end)) for _, size, offset in ranges)
    count = sum(offset + size > end for _, size, offset in ranges)
    problem = f"{count} of {len(ranges)} ranges reach beyond the end of the file; {missing} bytes are lost"
    issues.add("memory", problem, end)
    there = [(start, min(size, end - offset), offset) for start, size, offset in ranges if offset < end]
    return Kept(*map(list, zip(*there, strict=True))) if there else Kept([], [], [])


LONG = 1 << 18
"""Bytes read at once from which on the file's pages are not kept: somebody copies it all."""


class DumpMemory:
    """A `MemoryReader` over the file. The index is built at the first question, bytes are read at each."""

    def __init__(self, window: Window, kept: Kept) -> None:
        self._window = window
        self._kept = kept

    @cached_property
    def _index(self) -> tuple[list[int], list[int], list[int]]:
        """Starts, ends (exclusive) and file offsets, sorted, without overlaps: where two overlap the first counts."""
        starts, sizes, offsets = self._kept
        ends = list(map(add, starts, sizes))
        if 0 not in sizes and all(map(le, ends, starts[1:])):
            return starts, ends, offsets
        ranges = sorted(zip(starts, ends, offsets, strict=True))
        starts, ends, offsets, reach = [], [], [], 0
        for start, end, offset in ranges:
            skip = max(0, reach - start)
            if start + skip < end:
                starts.append(start + skip)
                ends.append(end)
                offsets.append(offset + skip)
                reach = end
        return starts, ends, offsets

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, size) of what is kept, sorted; ranges that touch are joined."""
        starts, ends, _ = self._index
        gaps = [i for i, joined in enumerate(map(eq, ends, starts[1:]), 1) if not joined] if starts else []
        firsts, lasts = [0, *gaps][: len(starts)], [*gaps, len(starts)][: len(starts)]
        return tuple((starts[i], ends[k - 1] - starts[i]) for i, k in zip(firsts, lasts, strict=True))

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
            at = offsets[i] + address - starts[i]
            pieces.append(self._window.read(at, step))
            if step >= LONG:
                self._window.release(at, step)
            address, size, i = address + step, size - step, i + 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None
