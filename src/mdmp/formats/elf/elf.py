"""An ELF file as a whole: what it is, its sections, and from an address to functions, files and lines."""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.dwarf import MANGLED, CallFrames, Dwarf, FrameSection, Row, Sections
from mdmp.formats.elf import structs as wire
from mdmp.formats.elf.compress import decompress, unpack_xz
from mdmp.formats.elf.header import Section, Segment, read_header, sections, segments
from mdmp.formats.elf.notes import build_id_of, read_notes
from mdmp.formats.elf.symbols import ElfSymbol, SymbolTable

_PAGE = 4096


class ElfFrame(NamedTuple):
    """A function, inlined or real, that an address lies in. Innermost frames come first.

    `start` and `size` (bytes) are those of the contiguous piece of the real function that holds the address, as
    linked. `linkage_name` is mangled and the better source of a full name; `function` is the name in the source, or
    the symbol's name. `source` says what named it: dwarf, symtab, dynsym, debugdata; "" when nothing did.
    """

    function: str | None
    start: int | None
    size: int | None
    file: str | None
    line: int | None
    inline: bool
    linkage_name: str | None
    source: str


class DebugLink(NamedTuple):
    """Where the debug information went: a file name without a folder, and the CRC-32 of that file."""

    name: str
    crc: int


class SupplementaryLink(NamedTuple):
    """The file, shared with other programs, that holds a part of this one's debug information (made by dwz)."""

    path: str
    """Relative to this file, or absolute."""
    build_id: bytes


class Elf:
    """An opened ELF file. Addresses are virtual addresses as linked.

    `debug` is the separate file with its debug information, if there is one. Opening reads the headers; it raises
    `FormatError` when they cannot be used. What is damaged further in costs the answers that need it and is listed
    in `issues`.
    """

    def __init__(self, window: Window, debug: "Elf | None" = None) -> None:
        self.window = window
        self.header = read_header(window)
        self.debug = debug
        self.issues = IssueLog()
        self.sections: tuple[Section, ...] = ()
        count = self.header.raw.e_phnum
        try:
            self.sections, count = sections(window, self.header)
        except FormatError as problem:
            self.issues.survive(problem)
        self.segments: tuple[Segment, ...] = ()
        try:
            self.segments = segments(window, self.header, self.header.raw.e_phoff, count) if count else ()
        except FormatError as problem:
            self.issues.survive(problem)

    @property
    def machine(self) -> str:
        return self.header.machine

    @property
    def type(self) -> int:
        return self.header.type

    @cached_property
    def build_id(self) -> bytes | None:
        for section in self.sections:
            if section.type == wire.SHT_NOTE:
                found = self._build_id(section.offset, section.size)
                if found:
                    return found
        for segment in self.segments:
            if segment.type == wire.PT_NOTE:
                found = self._build_id(segment.offset, segment.file_size, segment.align)
                if found:
                    return found
        return None

    @property
    def code_hash(self) -> bytes | None:
        """What Breakpad takes where there is no build id: the first page of code folded to 16 bytes by XOR.

        What stands behind a shorter section counts, too, up to a multiple of 16 (Breakpad's HashElfTextSection).
        """
        text = next((section for section in self.sections if section.name == ".text"), None)
        if text is None or text.type == wire.SHT_NOBITS:
            return None
        size = min((min(text.size, _PAGE) + 15) // 16 * 16, max(self.window.size - text.offset, 0))
        folded = bytearray(16)
        for i, byte in enumerate(self.window.read(text.offset, size)):
            folded[i % 16] ^= byte
        return bytes(folded) if any(folded) else None

    def _build_id(self, offset: int, size: int, align: int = 4) -> bytes | None:
        try:
            return build_id_of(read_notes(self.window.sub(offset, size, "notes"), align))
        except FormatError as problem:
            self.issues.survive(problem)
            return None

    @cached_property
    def debug_link(self) -> DebugLink | None:
        content = self.section(".gnu_debuglink")
        if content is None:
            return None
        name = content.cstring(0)
        at = len(name) + 1
        at += -at % 4
        return DebugLink(name.decode("utf-8", "replace"), content.u32(at, "crc")) if at + 4 <= content.size else None

    @cached_property
    def supplementary_link(self) -> SupplementaryLink | None:
        """What `.gnu_debugaltlink` names; see `supply`."""
        content = self.section(".gnu_debugaltlink")
        if content is None:
            return None
        path = content.cstring(0)
        build_id = content.read(len(path) + 1, max(content.size - len(path) - 1, 0))
        return SupplementaryLink(path.decode("utf-8", "replace"), build_id)

    def supply(self, other: "Elf") -> None:
        """Give the supplementary file that this file's debug information refers to."""
        if self.dwarf and other.dwarf:
            self.dwarf.supply(other.dwarf)

    @cached_property
    def load_address(self) -> int:
        """The linked address that goes to the base of the loaded image: where the first segment starts, by pages."""
        loads = [segment for segment in self.segments if segment.type == wire.PT_LOAD]
        return min((segment.address & ~0xFFF for segment in loads), default=0)

    def section(self, name: str) -> Window | None:
        """The bytes of a section, decompressed; None when there is none. `FormatError` when they are damaged."""
        for section in self.sections:
            if section.name == name and section.type != wire.SHT_NOBITS:
                window = self.window.sub(section.offset, section.size, name)
                return decompress(window, name, section.flags, self.header.bits)
        return None

    @cached_property
    def code(self) -> list[tuple[int, int]]:
        """The address ranges that hold code."""
        found = [(s.address, s.address + s.size) for s in self.sections if s.flags & wire.SHF_EXECINSTR and s.size]
        return found or self._code_segments

    @cached_property
    def _code_segments(self) -> list[tuple[int, int]]:
        loads = (s for s in self.segments if s.type == wire.PT_LOAD and s.flags & wire.PF_X)
        return [(s.address, s.address + s.memory_size) for s in loads]

    @cached_property
    def dwarf(self) -> Dwarf | None:
        """The debug information of this file itself; None when it has none."""
        if not any(section.name in (".debug_info", ".zdebug_info") for section in self.sections):
            return None
        least = 0 if self.type == wire.ET_REL else 1
        return Dwarf(
            Sections(self._debug_section), max(min((start for start, _ in self.code), default=0), least), self.issues
        )

    def _debug_section(self, plain: str) -> Window | None:
        return self.section(f".{plain}") or self.section(f".z{plain}")

    @cached_property
    def call_frames(self) -> tuple[CallFrames, ...]:
        """What this file itself says about unwinding: `.eh_frame`, then `.debug_frame`."""
        found = []
        places = {section.name: section.address for section in self.sections}
        for name in (".eh_frame", ".debug_frame"):
            try:
                content = self.section(name) or (self.section(".zdebug_frame") if name == ".debug_frame" else None)
                index = self.section(".eh_frame_hdr") if name == ".eh_frame" else None
            except FormatError as problem:
                self.issues.survive(problem)
                continue
            if content is not None:
                section = FrameSection(content, places.get(name, 0), name == ".eh_frame")
                table = (index, places[".eh_frame_hdr"]) if index else None
                found.append(CallFrames(section, self.header.address_size, table))
        return tuple(found)

    def row(self, address: int) -> Row | None:
        """How to unwind from an address, by this file or its debug file; None when neither tells."""
        for frames in (*self.call_frames, *(self.debug.call_frames if self.debug else ())):
            try:
                row = frames.row(address)
            except FormatError as problem:
                self.issues.survive(problem)
                continue
            if row:
                return row
        return None

    @cached_property
    def _tables(self) -> list[tuple[str, SymbolTable]]:
        """The symbol tables with what they are called in answers, the fullest first."""
        full = self._symbol_tables(wire.SHT_SYMTAB)
        found = [("symtab", table) for table in full]
        if not full and self._small:
            found += [("debugdata", table) for table in self._small._symbol_tables(wire.SHT_SYMTAB)]
        return found + [("dynsym", table) for table in self._symbol_tables(wire.SHT_DYNSYM)]

    def _symbol_tables(self, kind: int) -> list[SymbolTable]:
        found = []
        for section in self.sections:
            if section.type == kind and section.link < len(self.sections):
                strings = self.sections[section.link]
                try:
                    table = self.window.sub(section.offset, section.size, section.name)
                    texts = self.window.sub(strings.offset, strings.size, strings.name)
                except FormatError as problem:
                    self.issues.survive(problem)
                    continue
                code = self._code_segments or self.code
                found.append(SymbolTable(table, texts, self.header.bits, self.machine, code))
        return found

    @cached_property
    def _small(self) -> "Elf | None":
        """The ELF with the names of local functions that some distributions pack into `.gnu_debugdata`."""
        try:
            content = self.section(".gnu_debugdata")
            return Elf(unpack_xz(content, ".gnu_debugdata")) if content else None
        except FormatError as problem:
            self.issues.survive(problem)
            return None

    def symbol(self, address: int) -> ElfSymbol | None:
        """The function symbol at an address."""
        return self._symbol(address)[0]

    def named(self, name: str) -> ElfSymbol | None:
        """The symbol of a name, function or not, that this file itself tells of."""
        return self._first(lambda table: table.named(name))[0]

    def _symbol(self, address: int) -> tuple[ElfSymbol | None, str]:
        if self.debug:
            found = self.debug._symbol(address)
            if found[0]:
                return found
        return self._first(lambda table: table.find(address))

    def _first(self, ask: Callable[[SymbolTable], ElfSymbol | None]) -> tuple[ElfSymbol | None, str]:
        """What the first table that knows answers, and what that table is called."""
        for source, table in self._tables:
            try:
                symbol = ask(table)
            except FormatError as problem:
                self.issues.survive(problem)
                continue
            if symbol:
                return symbol, source
        return None, ""

    def lookup(self, address: int) -> tuple[ElfFrame, ...]:
        """The functions at an address, innermost first, by the best source there is; empty when nothing is known."""
        dwarf = (self.debug.dwarf if self.debug else None) or self.dwarf
        found = dwarf.lookup(address) if dwarf else ()
        if not found:
            symbol, source = self._symbol(address)
            return (symbol_frame(symbol, source),) if symbol else ()
        frames = []
        for f in found:
            by = "dwarf" if f.function or f.linkage_name else ""
            frames.append(ElfFrame(f.function, f.start, f.size, f.file, f.line, f.inline, f.linkage_name, by))
        outer = frames[-1]
        if outer.function and outer.linkage_name:
            return tuple(frames)  # without a look at the symbol table, which takes its time to load
        symbol, source = self._symbol(address)
        if symbol and not (outer.function or outer.linkage_name):
            frames[-1] = outer._replace(
                function=symbol.name,
                linkage_name=mangled(symbol.name),
                start=outer.start or symbol.address,
                size=outer.size or symbol.size,
                source=source,
            )
        elif symbol and not outer.linkage_name and symbol.address == outer.start and mangled(symbol.name):
            frames[-1] = outer._replace(linkage_name=symbol.name)  # GCC writes none for static functions
        return tuple(frames)


def symbol_frame(symbol: ElfSymbol, source: str) -> ElfFrame:
    """What a symbol alone tells."""
    name = symbol.name
    return ElfFrame(name, symbol.address, symbol.size, None, None, False, mangled(name), source)


def mangled(name: str) -> str | None:
    """The name, if it is mangled."""
    return name if name.startswith(MANGLED) else None
