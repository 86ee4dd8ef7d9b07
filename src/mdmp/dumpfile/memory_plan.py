"""Which memory goes into a new minidump, where each byte of it lies, and copying it there."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from mdmp.binary.ranges import Span, intersect, merge
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import MAX_RVA, Layout
from mdmp.snapshot.stacks import pointer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from mdmp.snapshot import MemoryReader, Snapshot, Thread

STEP = 1 << 18
"""Bytes that are copied at a time: they stay in the processor's cache, and are all that is held in memory."""
PAGE = 4096
MAX_NARROW = 3 << 30
"""More memory than this goes into a Memory64List: with a MemoryList all of the file has to lie below 4 GiB."""
MAX_RANGES = 4096
"""Breakpad reads no longer MemoryList."""
MAX_STACK = 1 << 24
"""Of one thread. A core does not tell where a stack ends, and other memory may lie next to it."""
_ZERO = bytes(STEP)
_ZERO_PAGE = bytes(PAGE)


class Copy(NamedTuple):
    address: int
    size: int
    offset: int
    """In the file."""


class MemoryPlan:
    """Ranges of memory in the file, by address.

    Either a MemoryList of all, or a Memory64List of all and a MemoryList of the stacks, for readers that know nothing
    else: its entries point into the same bytes, or to a copy below 4 GiB where those lie beyond.
    """

    def __init__(self, snapshot: Snapshot, ranges: Iterable[Span] | None, full: bool) -> None:
        kept = snapshot.memory.ranges
        self.ranges = tuple(kept) if ranges is None else intersect(merge(ranges), kept)
        self.size = sum(size for _, size in self.ranges)
        self.wide = full or self.size > MAX_NARROW or len(self.ranges) > MAX_RANGES
        stacks = [span for thread in snapshot.threads or () if (span := self._stack(thread))]
        self._listed = intersect(merge(stacks), self.ranges) if self.wide else self.ranges
        self._starts = [start for start, _ in self._listed]
        self._rvas: list[int] = []
        self._base = 0
        self._copies: list[Copy] = []

    def streams(self, out: Layout) -> None:
        """The lists, whose numbers are filled in when `place` has been called."""
        from mdmp.formats.minidump.streams import memory64_list, memory_list

        if self.wide:
            size = 16 + 16 * len(self.ranges)
            out.stream_later(table.MEMORY64_LIST, size, lambda: memory64_list.encode(self.ranges, self._base))

        def listed() -> bytes:
            return memory_list.encode(
                MINIDUMP_MEMORY_DESCRIPTOR((start, size, rva))
                for (start, size), rva in zip(self._listed, self._rvas, strict=True)
            )

        if self._listed or not self.wide:
            out.stream_later(table.MEMORY_LIST, 4 + 16 * len(self._listed), listed)

    def place(self, out: Layout) -> int:
        """Gives out the places, behind everything else; returns the size of the file."""
        end = _aligned(out.end)
        copied = self.wide and end + self.size > MAX_RVA
        if copied:
            self._rvas = [out.reserve(size) for _, size in self._listed]
            self._copies = [Copy(*span, rva) for span, rva in zip(self._listed, self._rvas, strict=True)]
            end = _aligned(out.end)
        self._base = end
        offsets = list(accumulate((size for _, size in self.ranges), initial=end))
        self._copies += (Copy(*span, offset) for span, offset in zip(self.ranges, offsets, strict=False))
        if not copied:
            starts = [start for start, _ in self.ranges]
            for start in self._starts:
                i = bisect_right(starts, start) - 1
                self._rvas.append(offsets[i] + start - starts[i])
        return offsets[-1]

    def stack(self, thread: Thread) -> MINIDUMP_MEMORY_DESCRIPTOR:
        """The descriptor of a thread's stack: the part that is kept; RVA 0 when none is."""
        span = self._stack(thread)
        if span is None:
            return MINIDUMP_MEMORY_DESCRIPTOR((0, 0, 0))
        there = intersect((span,), self._listed)
        if not there:
            size = min(thread.stack_size or 0, MAX_RVA)
            return MINIDUMP_MEMORY_DESCRIPTOR((thread.stack_start or 0, size, 0))
        sp = pointer_of(thread.context, "sp")
        start, size = next((one for one in there if sp is not None and one[0] <= sp < sum(one)), there[0])
        i = bisect_right(self._starts, start) - 1
        rva = self._rvas[i] + start - self._starts[i]
        return MINIDUMP_MEMORY_DESCRIPTOR((start, *MINIDUMP_LOCATION_DESCRIPTOR((size, rva))))

    def copy(self, memory: MemoryReader, file: BinaryIO) -> int:
        """Copies everything; returns how many bytes could not be read, and are zero in the file."""
        return sum(_copy(memory, one, file) for one in self._copies)

    @staticmethod
    def _stack(thread: Thread) -> Span | None:
        start, size = thread.stack_start, thread.stack_size
        if start is None or not size:
            return None
        if size > MAX_STACK:
            sp = pointer_of(thread.context, "sp")
            end = start + size
            if sp is not None and start <= sp < end:
                start = max(start, (sp - 16 * PAGE) // PAGE * PAGE)
            size = min(end - start, MAX_STACK)
        return start, size


def _aligned(offset: int) -> int:
    return (offset + PAGE - 1) // PAGE * PAGE


def _copy(memory: MemoryReader, what: Copy, file: BinaryIO) -> int:
    at, end, shift, lost = what.address, what.address + what.size, what.offset - what.address, 0
    while at < end:
        chunk = memory.read_some(at, min(STEP, end - at))
        if not chunk:  # of a live process, a page may have gone
            step = min(PAGE - at % PAGE, end - at)
            at, lost = at + step, lost + step
            continue
        for start, stop in _not_zero(chunk):
            file.seek(at + shift + start)
            file.write(memoryview(chunk)[start:stop])
        at += len(chunk)
    return lost


def _not_zero(chunk: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) of the pages that are not all zero, joined: the others become holes in the file."""
    size = len(chunk)
    if chunk == (_ZERO if size == STEP else _ZERO[:size]):
        return
    start = 0
    for at in range(0, size - PAGE + 1, PAGE):
        if not chunk[at] and chunk[at : at + PAGE] == _ZERO_PAGE:
            if start < at:
                yield start, at
            start = at + PAGE
    if start < size:
        yield start, size
