"""Address to function, file, line and the chain of inlined functions, from DWARF 2 to 5.

Only the unit that an address lies in is decoded, and of it only what the question needs.
"""

from bisect import bisect_right
from typing import NamedTuple

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.dwarf import constants as dw
from mdmp.formats.dwarf.abbrev import AbbrevSection
from mdmp.formats.dwarf.functions import FunctionIndex, InlineSite, index_functions, inline_sites
from mdmp.formats.dwarf.line import LineTable
from mdmp.formats.dwarf.ranges import aranges, entry_ranges, merged
from mdmp.formats.dwarf.sections import Sections
from mdmp.formats.dwarf.unit import Unit, UnitHeader

MAX_ORIGINS = 16
"""Steps from a concrete function over its abstract one and its declaration to the entry with its name."""

MANGLED = ("_Z", "__Z", "___Z", "_R", "$s", "$S", "_$s", "_$S", "_T0", "?")
"""How mangled names start: C++ (Itanium, with Apple's underscores; Microsoft), Rust, Swift."""

_CODE = frozenset((dw.DW_AT_ranges, dw.DW_AT_low_pc))
_KEPT_UNITS = 64
"""Units whose entries stay decoded; a unit of a large program takes megabytes."""


class Name(NamedTuple):
    function: str | None
    """The name in the source, with its namespaces and classes where there is no linkage name."""
    linkage_name: str | None
    """The name for the linker, if it is mangled; to be demangled for people."""


class DwarfFrame(NamedTuple):
    """One function, inlined or real, around an address."""

    function: str | None
    linkage_name: str | None
    start: int | None
    """Where the piece of the function that holds the address starts, as linked; None without an entry for it."""
    size: int | None
    """Bytes of that piece."""
    file: str | None
    line: int | None
    """None also where the compiler wrote 0: code that belongs to no line."""
    inline: bool


class _UnitState:
    """What was read of one unit so far. What failed stays None and is not tried again."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.forget()

    def forget(self) -> None:
        self.unit.forget()
        self.lines: LineTable | None = None
        self.index: FunctionIndex | None = None
        self.sites: dict[int, list[InlineSite]] = {}
        self.tried: set[str] = set()


class Dwarf:
    """The debug information of one image.

    `lowest` is the lowest address that holds code: what is said about lower ones is about code that the linker
    discarded. `issues` collects what could not be read.
    """

    def __init__(self, sections: Sections, lowest: int = 1, issues: IssueLog | None = None) -> None:
        self.sections = sections
        self.issues = IssueLog() if issues is None else issues
        self.supplementary: Dwarf | None = None
        self._missed = False
        self._lowest = lowest
        self._abbrevs: AbbrevSection | None = None
        self._states: dict[int, _UnitState | None] = {}
        self._fast: RangeMap[int] | None = None
        self._slow: RangeMap[int] | None = None
        self._headers: list[UnitHeader] | None = None
        self._names: dict[int, Name] = {}
        self._recent: list[_UnitState] = []

    def supply(self, other: "Dwarf") -> None:
        """Give the supplementary file, which holds what several files have in common."""
        self.supplementary = other
        self.sections.supplementary = other.sections

    def lookup(self, address: int) -> tuple[DwarfFrame, ...]:
        """The frames at an address as linked, innermost first; empty when nothing is known there."""
        self.sections.ranges_read = 0
        state = self._state_at(address)
        if state is None:
            return ()
        file, line = self._line(state, address)
        index = self._index(state)
        found = index.functions.find(address) if index else None
        if found is None:
            return (DwarfFrame(None, None, None, None, file, line, False),) if file else ()
        low, high, function = found
        frames = []
        for site in self._chain(state, function, address):
            frames.append(self._frame(state, site.at, low, high, file, line, True))
            file, line = self._file(state, site.call_file), site.call_line or None
        frames.append(self._frame(state, function, low, high, file, line, False))
        return tuple(frames)

    def _frame(
        self, state: _UnitState, at: int, low: int, high: int, file: str | None, line: int | None, inline: bool
    ) -> DwarfFrame:
        name = self._name(state.unit.offset + at)
        return DwarfFrame(name.function, name.linkage_name, low, high - low, file, line, inline)

    # Parts of a unit, each read at its first use, each lost for itself

    def _line(self, state: _UnitState, address: int) -> tuple[str | None, int | None]:
        try:
            lines = self._lines(state)
            row = lines.find(address) if lines else None
        except FormatError as problem:
            self.issues.survive(problem)
            state.lines = row = None
        return (self._file(state, row[0]), row[1] or None) if row else (None, None)

    def _lines(self, state: _UnitState) -> LineTable | None:
        if "lines" not in state.tried:
            state.tried.add("lines")
            offset = state.unit.number(state.unit.root, dw.DW_AT_stmt_list)
            if offset is not None:
                state.lines = LineTable(self.sections, offset, state.unit.directory, self._lowest)
        return state.lines

    def _file(self, state: _UnitState, number: int) -> str | None:
        try:
            return state.lines.file(number) if state.lines else None
        except FormatError as problem:
            if "files" not in state.tried:
                state.tried.add("files")
                self.issues.survive(problem)
            return None

    def _index(self, state: _UnitState) -> FunctionIndex | None:
        if "index" not in state.tried:
            state.tried.add("index")
            try:
                state.index = index_functions(state.unit, self._lowest)
            except FormatError as problem:
                self.issues.survive(problem)
        return state.index

    def _chain(self, state: _UnitState, function: int, address: int) -> list[InlineSite]:
        """The inline sites that hold an address, innermost first."""
        if function not in state.sites:
            state.sites[function] = []
            try:
                state.sites[function] = inline_sites(state.unit, function)
            except FormatError as problem:
                self.issues.survive(problem)
        sites = state.sites[function]
        chain = []
        i = len(sites) - 1
        while i >= 0 and not any(low <= address < high for low, high in sites[i].ranges):
            i -= 1
        while i >= 0:
            chain.append(sites[i])
            i = sites[i].parent
        return chain

    # Names

    def _name(self, offset: int) -> Name:
        """The name of the function at an offset of .debug_info."""
        if offset not in self._names:
            try:
                self._names[offset] = self._find_name(offset)
            except FormatError as problem:
                self.issues.survive(problem)
                self._names[offset] = Name(None, None)
        return self._names[offset]

    def _find_name(self, offset: int) -> Name:
        function = linkage = None
        file, declared = self, (self, offset)
        for _ in range(MAX_ORIGINS):
            state = file._state_of(offset)
            entry = state.unit.entry(offset - state.unit.offset) if state else None
            if state is None or entry is None:
                break
            unit, values, declared = state.unit, entry[1], (file, offset)
            linkage = linkage or unit.text(values, dw.DW_AT_linkage_name)
            linkage = linkage or unit.text(values, dw.DW_AT_MIPS_linkage_name)
            function = function or unit.text(values, dw.DW_AT_name)
            origin = dw.DW_AT_abstract_origin if dw.DW_AT_abstract_origin in values else dw.DW_AT_specification
            target = unit.reference(values, origin)
            if target is None:
                target = unit.other_file_reference(values, origin)
                if target is not None and self.supplementary is None:
                    self._miss_supplementary()
                    break
                file = self.supplementary or file
            if target is None or (function and linkage):
                break
            offset = target
        if linkage and not linkage.startswith(MANGLED):
            # Of C, or renamed by an asm label: the name in the source is what people know.
            function, linkage = function or linkage, None
        elif function and not linkage:
            function = declared[0]._scoped(declared[1], function)
        return Name(function, linkage)

    def _miss_supplementary(self) -> None:
        if not self._missed:
            self._missed = True
            self.issues.add("debug_info", "names are in a supplementary file (.gnu_debugaltlink), which is not at hand")

    def _scoped(self, offset: int, name: str) -> str:
        """The name with the namespaces and classes that its declaration lies in."""
        state = self._state_of(offset)
        index = self._index(state) if state else None
        if state is None or index is None:
            return name
        parts = []
        for at in index.scopes.around(offset - state.unit.offset):
            entry = state.unit.entry(at)
            if entry:
                part = state.unit.text(entry[1], dw.DW_AT_name)
                anonymous = "(anonymous namespace)" if entry[0].tag == dw.DW_TAG_namespace else None
                parts.append(part or anonymous)
        return "::".join((*(part for part in parts if part), name))

    # Units

    def _state_at(self, address: int) -> _UnitState | None:
        """The unit that says it holds an address."""
        if self._fast is None:
            self._fast = self._by_aranges()
        found = self._fast.find(address)
        if found is None or found[0] < self._lowest:
            if self._slow is None:
                self._slow = RangeMap(self._by_units())
            found = self._slow.find(address)
        state = self._state(found[2]) if found else None
        if state and (not self._recent or self._recent[-1] is not state):
            self._use(state)
        return state

    def _use(self, state: _UnitState) -> None:
        """Note the use of a unit; what was read of the one that was used longest ago is let go."""
        if state in self._recent:
            self._recent.remove(state)
        self._recent.append(state)
        if len(self._recent) > _KEPT_UNITS:
            self._recent.pop(0).forget()

    def _by_aranges(self) -> RangeMap[int]:
        rows: list[tuple[int, int, int]] = []
        try:
            rows.extend(aranges(self.sections))
        except FormatError as problem:
            self.issues.survive(problem)
        return RangeMap(row for row in rows if row[0] >= self._lowest)

    def _by_units(self) -> list[tuple[int, int, int]]:
        """The ranges that the units themselves state, of those that .debug_aranges leaves out."""
        assert self._fast is not None
        known = {unit for _, _, unit in self._fast}
        rows: list[tuple[int, int, int]] = []
        for header in self._all_headers():
            if header.offset in known or header.kind in (dw.DW_UT_type, dw.DW_UT_split_type):
                continue
            state = self._state(header.offset)
            if state is None or state.unit.tag not in (dw.DW_TAG_compile_unit, dw.DW_TAG_skeleton_unit):
                continue
            root = state.unit.root
            try:
                ranges = entry_ranges(state.unit, root)
            except FormatError as problem:
                self.issues.survive(problem)
                continue
            if not ranges and dw.DW_AT_stmt_list in root and _CODE.isdisjoint(root):
                index = self._index(state)  # some old compilers say nothing about the unit as a whole
                ranges = [(low, high) for low, high, _ in index.functions] if index else []
            rows.extend((low, high, header.offset) for low, high in merged(ranges) if low >= self._lowest)
        return rows

    def _all_headers(self) -> list[UnitHeader]:
        if self._headers is None:
            self._headers = []
            at = 0
            try:
                size = self.sections.get("debug_info").size
                while at < size:
                    header = UnitHeader.read(self.sections, at)
                    self._headers.append(header)
                    at += header.size
            except FormatError as problem:
                self.issues.survive(problem)
        return self._headers

    def _state_of(self, offset: int) -> _UnitState | None:
        """The unit that holds an entry."""
        if offset in self._states:
            return self._states[offset]
        headers = self._all_headers()
        i = bisect_right(headers, offset, key=lambda header: header.offset) - 1
        if i < 0 or offset >= headers[i].offset + headers[i].size:
            raise FormatError("debug_info", f"a reference leads to {offset:#x}, where no unit is")
        return self._state(headers[i].offset)

    def _state(self, offset: int) -> _UnitState | None:
        if offset not in self._states:
            self._states[offset] = None
            try:
                header = UnitHeader.read(self.sections, offset)
                if self._abbrevs is None:
                    self._abbrevs = AbbrevSection(self.sections.need("debug_abbrev"))
                unit = Unit(self.sections, header, self._abbrevs.table(header.abbrev_offset, header.widths))
                self._states[offset] = _UnitState(unit)
                if unit.split_file:
                    problem = f"the functions are in {unit.split_file} (split DWARF), which is not read"
                    self.issues.add("debug_info", problem, offset)
            except FormatError as problem:
                self.issues.survive(problem)
        return self._states[offset]
