"""C13 line tables: the DEBUG_S_* subsections of a module's stream.

The functions here search raw bytes; positions are offsets in the module's stream.
Layout: cvinfo.h in microsoft/microsoft-pdb (CV_DebugSLinesHeader_t and what follows it).
"""

from bisect import bisect_right
from struct import Struct, iter_unpack, unpack_from
from typing import NamedTuple

from mdmp.formats.pdb.extents import ExtentTable

DEBUG_S_IGNORE = 0x80000000
DEBUG_S_LINES, DEBUG_S_FILECHKSMS, DEBUG_S_FRAMEDATA, DEBUG_S_INLINEELINES = 0xF2, 0xF4, 0xF5, 0xF6
DEBUG_S_CROSSSCOPEIMPORTS, DEBUG_S_CROSSSCOPEEXPORTS = 0xF7, 0xF8
NO_LINE = frozenset((0xFEEFEE, 0xF00F00))
"""Marks for the debugger's stepping (0xFEEFEE always, 0xF00F00 never step into), not lines of the source."""

CHECKSUM_KINDS = {0: "none", 1: "MD5", 2: "SHA1", 3: "SHA256"}
_SUBSECTION = Struct("<II")
_LINES_HEADER = Struct("<IHHI")
_BLOCK = Struct("<III")


class Subsection(NamedTuple):
    kind: int
    position: int
    size: int


def scan_subsections(data: bytes, base: int, limit: int, lines: ExtentTable, others: list[Subsection]) -> int:
    """Collect the subsections of a stretch of C13 data; only their headers need to be in `data`.

    The lines of one stretch of code are a DEBUG_S_LINES subsection; `position` and `end` are those of its blocks.

    Returns the position of the next subsection whose header is not in `data` as a whole (`base`: damaged).
    """
    at, size = 0, len(data)
    while at + 8 <= size:
        kind, length = _SUBSECTION.unpack_from(data, at)
        position = base + at + 8
        if position + length > limit:
            return limit
        if kind == DEBUG_S_LINES and length >= 12:
            if at + 20 > size:
                break
            offset, section, flags, count = _LINES_HEADER.unpack_from(data, at + 8)
            lines.new.append((section << 32 | offset, count, flags, position + 12, position + length))
        elif not kind & DEBUG_S_IGNORE:
            others.append(Subsection(kind, position, length))
        at += 8 + (length + 3 & ~3)
    return base + at


def find_line(data: bytes, target: int) -> tuple[int, int, int] | None:
    """(offset, line, file id) of the line record that covers the offset `target` of a line subsection's blocks.

    Records hold up to the next one; where several start at one offset the last one counts, as for DIA. Code behind
    a `NO_LINE` mark belongs to the line before it.
    """
    best: tuple[int, int, int] | None = None
    at, size = 0, len(data)
    while at + 12 <= size:
        file, count, block_size = _BLOCK.unpack_from(data, at)
        count = min(count, (min(at + block_size, size) - at - 12) // 8)
        if count > 0:
            pairs = unpack_from(f"<{2 * count}I", data, at + 12)
            offsets, entries = pairs[::2], pairs[1::2]
            if any(map(int.__gt__, offsets, offsets[1:])):
                order = sorted(range(count), key=offsets.__getitem__)
                offsets, entries = tuple(offsets[i] for i in order), tuple(entries[i] for i in order)
            i = bisect_right(offsets, target) - 1
            while i >= 0 and entries[i] & 0xFFFFFF in NO_LINE:
                i -= 1
            if i >= 0 and (best is None or offsets[i] >= best[0]):
                best = offsets[i], entries[i] & 0xFFFFFF, file
        if block_size < 12:
            break
        at += block_size
    return best


def iter_lines(data: bytes) -> list[tuple[int, int, int]]:
    """All (offset, line, file id) of a line subsection's blocks, sorted by offset; equal offsets keep their order."""
    found = []
    at, size = 0, len(data)
    while at + 12 <= size:
        file, count, block_size = _BLOCK.unpack_from(data, at)
        count = max(0, min(count, (min(at + block_size, size) - at - 12) // 8))
        found += [(o, entry & 0xFFFFFF, file) for o, entry in iter_unpack("<II", data[at + 12 : at + 12 + 8 * count])]
        if block_size < 12:
            break
        at += block_size
    found.sort(key=lambda line: line[0])
    return found


def read_inlinees(data: bytes) -> dict[int, tuple[int, int]]:
    """Inlinee id -> (file id, first line) of a DEBUG_S_INLINEELINES subsection."""
    if len(data) < 4:
        return {}
    if not int.from_bytes(data[:4], "little"):
        whole = (len(data) - 4) // 12 * 12
        return {inlinee: (file, line) for inlinee, file, line in _BLOCK.iter_unpack(data[4 : 4 + whole])}
    found = {}
    at = 4  # with lists of extra files
    while at + 16 <= len(data):
        inlinee, file, line, extra = unpack_from("<IIII", data, at)
        found[inlinee] = (file, line)
        at += 16 + 4 * extra
    return found


def find_import(data: bytes, reference: int) -> tuple[int, int] | None:
    """(offset of the module's name in /names, id there) of a reference across modules, from DEBUG_S_CROSSSCOPEIMPORTS.

    The reference's bits: 31 set, 30 to 20 which module of the list, 19 to 0 which of its ids.
    """
    module, index = reference >> 20 & 0x7FF, reference & 0xFFFFF
    at = 0
    while at + 8 <= len(data):
        name, count = _SUBSECTION.unpack_from(data, at)
        if not module:
            place = at + 8 + 4 * index
            if index >= count or place + 4 > len(data):
                return None
            return name, int.from_bytes(data[place : place + 4], "little")
        module -= 1
        at += 8 + 4 * count
    return None


def read_exports(data: bytes) -> dict[int, int]:
    """Local id -> id in the whole program, from DEBUG_S_CROSSSCOPEEXPORTS."""
    return dict(_SUBSECTION.iter_unpack(data[: len(data) & ~7]))
