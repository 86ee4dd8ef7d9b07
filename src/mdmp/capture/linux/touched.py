"""What of a process's memory was ever used. The rest is zeros: it costs time to read, room in a dump, and the process
itself page tables (2 MiB for each GiB). Programs under AddressSanitizer have terabytes of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mdmp.binary.ranges import Span, merge, subtract
from mdmp.capture.linux.memory import readable
from mdmp.capture.linux.syscalls import populated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mdmp.formats.proc.maps import Mapping

LEAST = 1 << 20
"""Bytes of a hole that is worth leaving out, and to which holes are cut where the system only tells of single pages."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = 8
_STEP = 1 << 20
"""Bytes of the page map read at once; they tell of 512 times as much memory, or more where pages are larger."""


def touched(pagemap: int, maps: Sequence[Mapping]) -> tuple[Span, ...]:
    """(start, size) of what can be read, without long holes in memory of no file that the process has never touched.

    `pagemap`: the open file /proc/PID/pagemap.
    """
    own = [m for m in maps if not m.inode and not m.shared and not m.path.startswith("[v") and m.size > LEAST]
    holes = (hole for mapping in own for hole in _holes(pagemap, mapping.start, mapping.end))
    return subtract(readable(maps), merge(holes))


def touched_of(pid: int, maps: Sequence[Mapping]) -> tuple[Span, ...]:
    """The same for a process; all that can be read where the system does not tell."""
    try:
        file = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return readable(maps)
    try:
        return touched(file, maps)
    finally:
        os.close(file)


def _holes(pagemap: int, start: int, end: int) -> Iterator[Span]:
    at = start
    try:
        for low, high in _used(pagemap, start, end):
            if low - at >= LEAST:
                yield at, low - at
            at = high
    except OSError:
        return
    if end - at >= LEAST:
        yield at, end - at


def _used(pagemap: int, start: int, end: int) -> Iterator[Span]:
    """[low, high) in which there are pages, in order."""
    try:
        yield from populated(pagemap, start, end)
    except OSError:  # before Linux 6.7
        yield from used_by_entries(pagemap, start, end)


def used_by_entries(pagemap: int, start: int, end: int) -> Iterator[Span]:
    """By the table itself (Documentation/admin-guide/mm/pagemap.rst), in pieces of `LEAST` bytes."""
    buffer = bytearray(_STEP)
    piece = LEAST // _PAGE
    while start < end:
        wanted = min(_STEP, (end - start) // _PAGE * _ENTRY)
        count = os.preadv(pagemap, [memoryview(buffer)[:wanted]], start // _PAGE * _ENTRY) // _ENTRY
        if not count:
            yield start, end
            return
        # Of each entry the highest byte: present, swapped… Lower bits may be set where nothing is.
        flags = bytes(buffer[_ENTRY - 1 : count * _ENTRY : _ENTRY])
        if flags.strip(b"\0"):
            for first in range(0, count, piece):
                if flags[first : first + piece].strip(b"\0"):
                    yield start + first * _PAGE, start + min(first + piece, count) * _PAGE
        start += count * _PAGE
