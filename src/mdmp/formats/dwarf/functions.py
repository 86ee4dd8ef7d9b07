"""The functions of one unit, the scopes that names lie in, and the inline sites of one function.

Of a unit's entries only subprograms with code, and namespaces and classes, are decoded; the rest is skipped. The
inline sites are read for a function that somebody asks for.
"""

from bisect import bisect_right
from typing import NamedTuple

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError
from mdmp.formats.dwarf import constants as dw
from mdmp.formats.dwarf.leb import uleb
from mdmp.formats.dwarf.ranges import Range, entry_ranges
from mdmp.formats.dwarf.unit import Unit

MAX_INLINE_DEPTH = 512

_SCOPES = frozenset(
    (
        dw.DW_TAG_namespace,
        dw.DW_TAG_module,
        dw.DW_TAG_class_type,
        dw.DW_TAG_structure_type,
        dw.DW_TAG_union_type,
        dw.DW_TAG_interface_type,
    )
)
_WITHOUT_CODE = frozenset((dw.DW_TAG_array_type, dw.DW_TAG_enumeration_type, dw.DW_TAG_subroutine_type))
_CODE = frozenset((dw.DW_AT_low_pc, dw.DW_AT_ranges))


class Scopes:
    """Which namespaces and classes enclose an entry? Filled in the order of the entries."""

    __slots__ = ("_entries", "_open", "ends", "parents", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.parents: list[int] = []
        self._open: list[tuple[int, int]] = []

    def enter(self, at: int, depth: int) -> None:
        self.parents.append(self._open[-1][0] if self._open else -1)
        self._open.append((len(self.starts), depth))
        self.starts.append(at)
        self.ends.append(1 << 62)

    def leave(self, at: int, depth: int) -> None:
        if self._open and self._open[-1][1] == depth:
            self.ends[self._open.pop()[0]] = at

    def around(self, at: int) -> list[int]:
        """The positions of the enclosing entries, outermost first."""
        i = bisect_right(self.starts, at - 1) - 1
        found = []
        while i >= 0:
            if self.ends[i] > at:
                found.append(self.starts[i])
            i = self.parents[i]
        return found[::-1]


class FunctionIndex(NamedTuple):
    functions: RangeMap[int]
    """Code range to the position of the subprogram's entry."""
    scopes: Scopes


def index_functions(unit: Unit, lowest: int) -> FunctionIndex:
    """One pass over all entries of a unit: a kernel, bound by the unit's bytes. Code below `lowest` was discarded."""
    data, at, end = unit.data, unit.header.first, unit.end
    with_scopes = unit.language not in dw.C_LANGUAGES
    # By code, for those of one byte: the size of such an entry (0: look closer), what it does to the depth, and, where
    # one number or block of it varies, the bytes before that, its own length as a factor of 0 or 1, the bytes after.
    sizes, changes = [0] * 256, [0] * 256
    varying: dict[int, tuple[int, int, int]] = {}
    found: list[tuple[int, int, int]] = []
    scopes = Scopes()
    depth = 0
    while at < end:
        start = at
        code = data[at]
        size = sizes[code]
        if size:
            at += size
            depth += changes[code]
            continue
        if code in varying:
            before, factor, after = varying[code]
            length = data[at + before] if at + before < end else 0x80
            if length < 0x80:
                at += before + length * factor + after
                depth += changes[code]
                continue
        at += 1
        if code >= 0x80:
            code, at = uleb(data, start)
        if code == 0:
            depth -= 1
            scopes.leave(at, depth)
            if depth <= 0:
                break
            continue
        abbrev = unit.abbrevs.get(code)
        tag = abbrev.tag
        if tag == dw.DW_TAG_subprogram and not _CODE.isdisjoint(abbrev.attributes):
            entry = unit.entry(start)
            if entry:
                at = entry[2]
                found += ((low, high, start) for low, high in entry_ranges(unit, entry[1]) if low >= lowest)
        elif abbrev.sibling >= 0 and abbrev.has_children and tag in _WITHOUT_CODE:
            sibling = int.from_bytes(data[at + abbrev.sibling : at + abbrev.sibling + 4], "little")
            at = unit.skip(data, at, abbrev)
            if at <= sibling < end:
                at = sibling
                continue
        elif with_scopes and abbrev.has_children and tag in _SCOPES:
            at = unit.skip(data, at, abbrev)
            scopes.enter(start, depth)
        else:
            if code < 0x80:
                changes[code] = 1 if abbrev.has_children else 0
                if abbrev.size >= 0:
                    sizes[code] = abbrev.size + 1
                elif abbrev.varying:
                    varying[code] = abbrev.varying
            at = unit.skip(data, at, abbrev)
        if abbrev.has_children:
            depth += 1
    if at > end:
        raise FormatError("debug_info", "the last entry runs over the end of its unit", unit.offset)
    return FunctionIndex(RangeMap(found), scopes)


class InlineSite(NamedTuple):
    """A call that the compiler replaced by the body of the called function."""

    ranges: list[Range]
    parent: int
    """Index of the site that this one lies in; -1: directly in the function."""
    at: int
    """Position of its entry, which leads to the name."""
    call_file: int
    call_line: int


def inline_sites(unit: Unit, function: int) -> list[InlineSite]:
    """The inline sites of a function, in the order of their entries: a site stands after the one that holds it."""
    entry = unit.entry(function)
    sites: list[InlineSite] = []
    if entry is None or not entry[0].has_children:
        return sites
    data, at, end = unit.data, entry[2], unit.end
    owners = [-1]  # for each open list of entries: the site it belongs to; -2 under a function within the function
    while owners and at < end:
        start = at
        code, at = uleb(data, at)
        if code == 0:
            owners.pop()
            continue
        abbrev = unit.abbrevs.get(code)
        owner = owners[-1]
        if abbrev.tag == dw.DW_TAG_inlined_subroutine and owner >= -1:
            inlined = unit.entry(start)
            if inlined is None:
                raise FormatError("debug_info", "an entry changed while it was read", unit.offset)
            _, values, at = inlined
            file, line = unit.number(values, dw.DW_AT_call_file), unit.number(values, dw.DW_AT_call_line)
            sites.append(InlineSite(entry_ranges(unit, values), owner, start, file or 0, line or 0))
            owner = len(sites) - 1
        else:
            at = unit.skip(data, at, abbrev)
            owner = -2 if abbrev.tag == dw.DW_TAG_subprogram else owner
        if abbrev.has_children:
            if len(owners) > MAX_INLINE_DEPTH:
                raise FormatError("debug_info", f"blocks nested deeper than {MAX_INLINE_DEPTH}", unit.offset + start)
            owners.append(owner)
    return sites
