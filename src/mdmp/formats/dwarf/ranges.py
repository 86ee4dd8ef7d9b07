"""Address ranges of entries: low and high pc, .debug_ranges (DWARF 3, 4), .debug_rnglists (5); and .debug_aranges."""

from collections.abc import Iterator
from struct import Struct

from mdmp.errors import FormatError
from mdmp.formats.dwarf import constants as dw
from mdmp.formats.dwarf.leb import PAD, uleb
from mdmp.formats.dwarf.sections import Sections
from mdmp.formats.dwarf.unit import Attributes, Unit

Range = tuple[int, int]
"""[start, end), addresses as linked."""

MAX_RANGES = 1 << 16
"""In one list."""

PADDING = 16
"""Bytes: functions are aligned to no more."""


def entry_ranges(unit: Unit, values: Attributes) -> list[Range]:
    """Where the code of an entry lies; empty when it has none."""
    if dw.DW_AT_ranges in values:
        found = _list(unit, values)
    else:
        low = unit.address(values, dw.DW_AT_low_pc)
        form, high = values.get(dw.DW_AT_high_pc, (0, 0))
        if low is None or not isinstance(high, int):
            return []
        if form == dw.DW_FORM_addr or form in dw.ADDRX_FORMS:
            high = unit.address(values, dw.DW_AT_high_pc) or 0
        else:
            high += low
        found = [(low, high)]
    return [pair for pair in found if pair[0] < pair[1]]


def _list(unit: Unit, values: Attributes) -> list[Range]:
    form, offset = values[dw.DW_AT_ranges]
    if not isinstance(offset, int):
        raise FormatError("debug_info", "expected an offset in DW_AT_ranges", unit.offset)
    if unit.version < 5:
        found = list(_ranges(unit, offset + (unit.number(unit.root, dw.DW_AT_GNU_ranges_base) or 0)))
        unit.sections.count_ranges(len(found), "debug_ranges")
        return found
    if form == dw.DW_FORM_rnglistx:
        wide = unit.header.widths.offset
        offset = unit.ranges_base + unit.sections.number("debug_rnglists", unit.ranges_base + offset * wide, wide)
    found = _rnglist(unit, offset)
    unit.sections.count_ranges(len(found), "debug_rnglists")
    return found


def _ranges(unit: Unit, offset: int) -> Iterator[Range]:
    wide = unit.header.widths.address
    section = unit.sections.need("debug_ranges")
    pair = Struct("<QQ" if wide == 8 else "<II")
    highest, base = (1 << 8 * wide) - 1, unit.low
    for _ in range(MAX_RANGES):
        low, high = pair.unpack_from(section.buffer, section.check(offset, pair.size, "range"))
        offset += pair.size
        if low == highest:
            base = high
        elif low or high:
            yield base + low, base + high
        else:
            return
    raise FormatError("debug_ranges", f"expected at most {MAX_RANGES} ranges in a list", offset)


def _rnglist(unit: Unit, offset: int) -> list[Range]:
    """The kernel for DWARF 5: a large program has a million such ranges in the lists of its units."""
    section = unit.sections.need("debug_rnglists")
    start, data, at, end = offset, b"", 0, 0
    base, wide = unit.low, unit.header.widths.address
    address = unit.indexed_address
    found: list[Range] = []
    add = found.append
    for _ in range(MAX_RANGES):
        if at + 24 > end:  # an entry takes at most 21 bytes
            start += at
            section.check(start, 1, "list")
            at, end = 0, min(2048, section.size - start)
            data = section.read(start, end) + PAD
        kind, at = data[at], at + 1
        if kind == 0:  # DW_RLE_end_of_list
            return found
        if kind < 5:
            first, at = data[at], at + 1
            if first >= 0x80:
                first, at = uleb(data, at - 1)
            if kind == 1:  # DW_RLE_base_addressx
                base = address(first)
                continue
        else:
            first, at = int.from_bytes(data[at : at + wide], "little"), at + wide
            if kind == 5:  # DW_RLE_base_address
                base = first
                continue
            if kind == 6:  # DW_RLE_start_end
                add((first, int.from_bytes(data[at : at + wide], "little")))
                at += wide
                continue
        second, at = data[at], at + 1
        if second >= 0x80:
            second, at = uleb(data, at - 1)
        if kind == 3:  # DW_RLE_startx_length
            low = address(first)
            add((low, low + second))
        elif kind == 4:  # DW_RLE_offset_pair
            add((base + first, base + second))
        elif kind == 2:  # DW_RLE_startx_endx
            add((address(first), address(second)))
        elif kind == 7:  # DW_RLE_start_length
            add((first, first + second))
        else:
            raise FormatError("debug_rnglists", f"unknown kind of range {kind}", start + at)
    raise FormatError("debug_rnglists", f"expected at most {MAX_RANGES} ranges in a list", offset)


def merged(ranges: list[Range]) -> list[Range]:
    """The ranges of a unit, in order, those with nothing but padding between them as one."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low - found[-1][1] < PADDING:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def aranges(sections: Sections) -> Iterator[tuple[int, int, int]]:
    """(start, end, unit offset) of every row of .debug_aranges."""
    section = sections.get("debug_aranges")
    at = 0
    while at + 12 <= section.size:
        length, head, wide = section.u32(at), at + 4, 4
        if length >= 0xFFFFFFF0:
            length, head, wide = section.u64(at + 4), at + 12, 8
        section.check(head, length, "set")
        unit = sections.number("debug_aranges", head + 2, wide)
        address = section.u8(head + 2 + wide)
        if section.u16(head) != 2 or address not in (4, 8):
            raise FormatError("debug_aranges", "expected version 2 and addresses of 4 or 8 bytes", at)
        first = head + 4 + wide
        first += -(first - at) % (2 * address)
        pair = Struct("<QQ" if address == 8 else "<II")
        rows = (head + length - first) // pair.size
        if rows > 0:
            for low, size in pair.iter_unpack(section.read(first, rows * pair.size)):
                if size:
                    yield low, low + size, unit
        at = head + length
