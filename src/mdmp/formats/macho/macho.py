"""A Mach-O image as a whole: what it is, its sections, how to unwind, from an address to functions, files and lines."""

from array import array
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog, MemoryUnavailable
from mdmp.formats.dwarf import CallFrames, Dwarf, FrameSection, Row, Sections
from mdmp.formats.macho import structs as wire
from mdmp.formats.macho.contents import Bytes, Contents, FileContents, ImageBytes, LoadedContents, load_address
from mdmp.formats.macho.header import Build, Commands, Section, Segment, check_magic, read_header
from mdmp.formats.macho.symbols import MachOSymbol, SymbolTable, function_starts
from mdmp.formats.macho.unwind_info import UnwindEntry, UnwindInfo

_DWARF_MODE = {"amd64": wire.UNWIND_X86_64_MODE_DWARF, "arm64": wire.UNWIND_ARM64_MODE_DWARF}


class MachOFrame(NamedTuple):
    """A function, inlined or real, that an address lies in. Innermost frames come first.

    `start` and `size` (bytes) are those of the real function, as linked. `linkage_name` is the name for the linker
    without the underscore that Mach-O puts before it; `function` the name in the source, or the symbol's without that
    underscore. `source` says what named it: dwarf, symtab; "" when nothing did.
    """

    function: str | None
    start: int | None
    size: int | None
    file: str | None
    line: int | None
    inline: bool
    linkage_name: str | None
    source: str


class MachO:
    """An opened image. Addresses are as linked; `load_address` is that of its base.

    `debug` may be set to the file in its dSYM bundle. Opening reads the load commands; it raises `FormatError` (or
    `MemoryUnavailable` in memory) when the header cannot be used. What is damaged further in costs the answers that
    need it and is listed in `issues`.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.debug: MachO | None = None
        self.issues = IssueLog()
        check_magic(contents.head(8))
        self.header = read_header(contents.head(wire.mach_header_64.SIZE))
        head = contents.head(wire.mach_header_64.SIZE + self.header.raw.sizeofcmds)
        self.commands = Commands(head, self.header, self.issues)
        self.segments: tuple[Segment, ...] = tuple(self.commands.segments)
        self.sections: tuple[Section, ...] = tuple(self.commands.sections)
        self.load_address = load_address(self.segments)

    @classmethod
    def in_file(cls, window: Window) -> "MachO":
        """Of a file for one CPU; `open_file` takes universal ones, too."""
        return cls(FileContents(window))

    @classmethod
    def in_memory(cls, image: ImageBytes) -> "MachO":
        return cls(LoadedContents(image))

    @property
    def machine(self) -> str:
        return self.header.machine

    @property
    def uuid(self) -> bytes | None:
        """As the file has it: in the order of its text."""
        return self.commands.uuid

    @property
    def build(self) -> Build | None:
        return self.commands.build

    def read(self, address: int, size: int) -> bytes:
        """Bytes by address as linked; `FormatError` or `MemoryUnavailable`."""
        return self.contents.at_address(self.segments, address, size, "Mach-O image").read(0, size)

    def executable(self, address: int) -> bool:
        """May code stand there? By the sections; by the segments where the sections are not told."""
        if self._code:
            return any(start <= address < end for start, end, _ in self._code)
        return any(
            s.address <= address < s.address + s.size for s in self.segments if s.protection & wire.VM_PROT_EXECUTE
        )

    def section(self, segment: str, name: str) -> Bytes | None:
        """The bytes of a section; None when there is none, or none here. `FormatError` when it lies outside."""
        for s in self.sections:
            if s.name == name and s.segment == segment and s.flags & wire.SECTION_TYPE != wire.S_ZEROFILL and s.size:
                owner = next((g for g in self.segments if g.address <= s.address < g.address + g.size), None)
                if owner is not None and owner.file_size == 0:
                    return None  # a dSYM bundle keeps the list of sections, not what is in them
                if isinstance(self.contents, LoadedContents):
                    return self.contents.at_address(self.segments, s.address, s.size, name)
                return self.contents.at_offset(self.segments, s.offset, s.size, name)
        return None

    @cached_property
    def _code(self) -> list[tuple[int, int, int]]:
        """(start, end, number) of the sections with code."""
        return [(s.address, s.address + s.size, i + 1) for i, s in enumerate(self.sections) if s.is_code and i < 255]

    def _survive(self, what: str, problem: FormatError | MemoryUnavailable) -> None:
        if isinstance(problem, FormatError):
            self.issues.survive(problem)
        else:
            self.issues.add(what, str(problem))

    # Names

    @cached_property
    def dwarf(self) -> Dwarf | None:
        """The debug information of this file itself; None when it has none."""
        if not any(s.segment == "__DWARF" and s.name == "__debug_info" for s in self.sections):
            return None
        least = 0 if self.header.file_type == wire.MH_OBJECT else 1
        lowest = min((start for start, _, _ in self._code), default=0)
        return Dwarf(Sections(self._debug_section), max(lowest, least), self.issues)

    def _debug_section(self, plain: str) -> Window | None:
        try:
            found = self.section("__DWARF", f"__{plain}"[:16])
            return None if found is None else _window(found, plain)
        except MemoryUnavailable as problem:
            raise FormatError(plain, str(problem)) from None

    @cached_property
    def function_starts(self) -> "array[int]":
        """The sorted addresses at which functions start; empty when that is not told."""
        if self.commands.function_starts is None:
            return array("Q")
        offset, size = self.commands.function_starts
        try:
            data = self.contents.at_offset(self.segments, offset, size, "function starts")
            return function_starts(data.read(0, size), self.load_address)
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("function starts", problem)
            return array("Q")

    @cached_property
    def _symbols(self) -> SymbolTable | None:
        command = self.commands.symtab
        if command is None or not command.nsyms:
            return None
        try:
            size = command.nsyms * wire.nlist_64.SIZE
            table = _window(self.contents.at_offset(self.segments, command.symoff, size, "symbols"), "symbols")
            texts = self.contents.at_offset(self.segments, command.stroff, command.strsize, "strings")
            return SymbolTable(table, _window(texts, "strings"), self._code, self.function_starts)
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("symbols", problem)
            return None

    def symbol(self, address: int) -> MachOSymbol | None:
        """The function symbol at an address, from this file or its debug file."""
        found = self.debug.symbol(address) if self.debug else None
        if found is None:
            try:
                found = self._symbols.find(address) if self._symbols else None
            except FormatError as problem:
                self.issues.survive(problem)
        return found

    def lookup(self, address: int) -> tuple[MachOFrame, ...]:
        """The functions at an address, innermost first, by the best source there is; empty when nothing is known."""
        dwarf = (self.debug.dwarf if self.debug else None) or self.dwarf
        found = dwarf.lookup(address) if dwarf else ()
        frames = []
        for f in found:
            by = "dwarf" if f.function or f.linkage_name else ""
            frames.append(MachOFrame(f.function, f.start, f.size, f.file, f.line, f.inline, f.linkage_name, by))
        if frames and (frames[-1].function or frames[-1].linkage_name):
            return tuple(frames)
        symbol = self.symbol(address)
        if symbol is None:
            return tuple(frames)
        name = symbol.name.removeprefix("_")
        if not frames:
            return (MachOFrame(name, symbol.address, symbol.size, None, None, False, name, "symtab"),)
        frames[-1] = frames[-1]._replace(
            function=name, linkage_name=name, start=symbol.address, size=symbol.size, source="symtab"
        )
        return tuple(frames)

    # Unwinding

    @cached_property
    def _unwind_info(self) -> UnwindInfo | None:
        try:
            data = self.section("__TEXT", "__unwind_info")
            return UnwindInfo(data) if data else None
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("unwind_info", problem)
            return None

    def unwind_entry(self, rva: int) -> UnwindEntry | None:
        """The compact unwind encoding for an address relative to the image's base; None when there is none."""
        try:
            found = self._unwind_info.find(rva) if self._unwind_info else None
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("unwind_info", problem)
            return None
        if found is None:
            return None
        start, end, encoding = found
        starts = self.function_starts
        i = bisect_right(starts, rva + self.load_address)
        low = starts[i - 1] - self.load_address if i else start
        high = starts[i] - self.load_address if i < len(starts) else end
        return UnwindEntry(start, end, encoding, (max(low, start), high))

    @cached_property
    def call_frames(self) -> CallFrames | None:
        """`__eh_frame`."""
        section = next((s for s in self.sections if s.name == "__eh_frame"), None)
        try:
            data = self.section("__TEXT", "__eh_frame") if section else None
        except FormatError as problem:
            self.issues.survive(problem)
            return None
        return CallFrames(FrameSection(data, section.address), 8) if data and section else None

    @cached_property
    def debug_frames(self) -> CallFrames | None:
        """`__debug_frame`."""
        try:
            data = self._debug_section("debug_frame")
        except FormatError as problem:
            self.issues.survive(problem)
            return None
        return CallFrames(FrameSection(data, 0, False), 8) if data else None

    def row(self, address: int) -> Row | None:
        """How to unwind from an address by DWARF: the entry that the compact encoding refers to, or one found."""
        entry = self.unwind_entry(address - self.load_address)
        at = None
        if entry and entry.encoding & wire.UNWIND_MODE_MASK == _DWARF_MODE.get(self.machine):
            at = entry.encoding & wire.UNWIND_DWARF_SECTION_OFFSET or None
        debug = self.debug.debug_frames if self.debug else None
        for frames, place in ((self.call_frames, at), (self.debug_frames, None), (debug, None)):
            try:
                row = frames.row(address, place) if frames else None
            except (FormatError, MemoryUnavailable) as problem:
                self._survive("call frames", problem)
                continue
            if row:
                return row
        return None


def _window(data: Bytes, name: str) -> Window:
    return data if isinstance(data, Window) else Window(data.read(0, data.size), name)
