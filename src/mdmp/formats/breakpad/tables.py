"""Where the records of a symbol file are: sorted arrays made in one pass over the text, searched by bisection.

A table has two columns of unsigned 64-bit numbers, keys in rising order and the offsets of records. In a *range*
table a key opens a stretch of addresses that lasts up to the next key, and overlaps have been resolved: the range
that starts last wins, among ranges with one start the shortest, among equal ones the first in the file. So a
look-up is one bisection whatever the file holds.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import lt
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.breakpad.records import DECIMAL, FRAME_DATA, FRAME_POINTER_OMISSION, HEX

Column = Sequence[int]

NONE = (1 << 64) - 1
"""An offset that says: no record covers this stretch."""

MAX_DAMAGED = 200

_H = rb"[0-9a-fA-F]{1,16}"
_RECORD = re.compile(
    rb"\n(?=[FPSI])(?:"
    rb"FUNC +(?:m +)?" + HEX + rb" +" + HEX + rb" +" + _H + rb" +[^\s]"
    rb"|STACK +CFI +INIT +" + HEX + rb" +" + HEX + rb" +[^\s]"
    rb"|PUBLIC +(?:m +)?" + HEX + rb" +" + _H + rb" +[^\s]"
    rb"|STACK +WIN +([0-9a-fA-F]) +" + HEX + rb" +" + HEX + rb" +"
    rb"|FILE +" + DECIMAL + rb" +[^\s]"
    rb"|INLINE_ORIGIN +" + DECIMAL + rb" +[^\s]"
    rb"|(FUNC|PUBLIC|FILE|INLINE_ORIGIN|STACK +WIN|STACK +CFI +INIT)(?![^\s]))"
)
# The number of the last group that took part tells which kind of record was found.
_FUNC, _CFI, _PUBLIC, _WIN, _FILE, _ORIGIN = 2, 4, 5, 8, 9, 10


class Table(NamedTuple):
    keys: Column
    offsets: Column

    def at(self, key: int) -> int | None:
        """Offset of the record with the greatest key up to `key`, or of the range that covers it."""
        i = bisect_right(self.keys, key) - 1
        return self.offsets[i] if i >= 0 and self.offsets[i] != NONE else None

    def exactly(self, key: int) -> int | None:
        i = bisect_right(self.keys, key) - 1
        return self.offsets[i] if i >= 0 and self.keys[i] == key else None

    def last_before(self, key: int) -> int | None:
        """In a range table: the record that covers `key`, or else the one that ended last before it."""
        i = bisect_right(self.keys, key) - 1
        if i > 0 and self.offsets[i] == NONE:
            i -= 1
        return self.offsets[i] if i >= 0 and self.offsets[i] != NONE else None


class Tables(NamedTuple):
    """All tables of one symbol file. Offsets are relative to its window."""

    functions: Table
    cfi: Table
    frame_data: Table
    frame_pointer_omission: Table
    publics: Table
    files: Table
    origins: Table
    damaged: Table
    """Keys are the offsets of the first `MAX_DAMAGED` damaged records; the column of offsets is not used."""


def scan(window: Window) -> Tables:
    """Find every record that stands by itself; what hangs below FUNC and STACK CFI INIT is left for later."""
    functions, cfi, frame_data, omission = _Ranges(), _Ranges(), _Ranges(), _Ranges()
    publics, files, origins = _Points(), _Points(), _Points()
    damaged = array("Q")
    for offset, found in _records(window):
        kind = found.lastindex
        if kind == _FUNC:
            good = functions.add(int(found[1], 16), int(found[2], 16), offset)
        elif kind == _CFI:
            good = cfi.add(int(found[3], 16), int(found[4], 16), offset)
        elif kind == _PUBLIC:
            # Linkers leave symbols without a place at address 0; none of them means what stands there.
            good = found[5].strip(b"0") == b"" or publics.add(int(found[5], 16), offset)
        elif kind == _WIN:
            ranges = {FRAME_DATA: frame_data, FRAME_POINTER_OMISSION: omission}.get(int(found[6], 16))
            good = ranges is None or ranges.add(int(found[7], 16), int(found[8], 16), offset)
        elif kind == _FILE:
            good = files.add(int(found[9]), offset)
        elif kind == _ORIGIN:
            good = origins.add(int(found[10]), offset)
        else:
            good = False
        if not good and len(damaged) < MAX_DAMAGED:
            damaged.append(offset)
    parts = (functions, cfi, frame_data, omission, publics, files, origins)
    return Tables._make((*(part.table() for part in parts), Table(damaged, damaged)))


def _records(window: Window) -> Iterator[tuple[int, re.Match[bytes]]]:
    """The records with their offsets. The pattern wants a line end in front, which the first record has not."""
    first = _RECORD.match(b"\n" + window.read(0, min(window.size, 512)))
    if first:
        yield 0, first
    base = window.start - 1
    for found in _RECORD.finditer(window.buffer, window.start, window.start + window.size):
        yield found.start() - base, found


class _Points:
    """Collects single keys; the first record of a key counts."""

    def __init__(self) -> None:
        self.keys = array("Q")
        self.offsets = array("Q")

    def add(self, key: int, offset: int) -> bool:
        self.keys.append(key)
        self.offsets.append(offset)
        return True

    def table(self) -> Table:
        keys, offsets = self.keys, self.offsets
        if not _rises(keys):
            first = dict(zip(reversed(keys), reversed(offsets), strict=True))
            keys = array("Q", sorted(first))
            offsets = array("Q", (first[key] for key in keys))
        return Table(keys, offsets)


class _Ranges:
    """Collects half-open ranges and resolves their overlaps; empty ones cover nothing and are dropped."""

    def __init__(self) -> None:
        self.starts = array("Q")
        self.ends = array("Q")
        self.offsets = array("Q")

    def add(self, start: int, size: int, offset: int) -> bool:
        end = start + size
        if end > NONE:
            return False
        if size:
            self.starts.append(start)
            self.ends.append(end)
            self.offsets.append(offset)
        return True

    def table(self) -> Table:
        starts, ends, offsets = self.starts, self.ends, self.offsets
        keys, values = array("Q"), array("Q")
        order: Sequence[int] = range(len(starts))
        if not _rises(starts):
            order = sorted(order, key=lambda i: starts[i] << 64 | NONE - ends[i])
        open_ends, open_offsets = [0], [NONE]  # ranges begun and not ended, outermost first; a floor that never ends
        last_range = (0, 0)
        for i in order:
            start, end = starts[i], ends[i]
            if (start, end) == last_range:
                continue
            last_range = (start, end)
            _close(start, open_ends, open_offsets, keys, values)
            _emit(keys, values, start, offsets[i])
            open_ends.append(end)
            open_offsets.append(offsets[i])
        _close(NONE, open_ends, open_offsets, keys, values)
        return Table(keys, values)


def _close(until: int, open_ends: list[int], open_offsets: list[int], keys: "array[int]", values: "array[int]") -> None:
    """End the open ranges that do not reach past `until`; where one ends, the one around it goes on."""
    while len(open_ends) > 1 and open_ends[-1] <= until:
        end = open_ends[-1]
        while len(open_ends) > 1 and open_ends[-1] <= end:
            open_ends.pop()
            open_offsets.pop()
        _emit(keys, values, end, open_offsets[-1])


def _emit(keys: "array[int]", values: "array[int]", key: int, value: int) -> None:
    if keys and keys[-1] == key:
        values[-1] = value
    else:
        keys.append(key)
        values.append(value)


def _rises(keys: "array[int]") -> bool:
    return all(map(lt, keys, islice(keys, 1, None)))
