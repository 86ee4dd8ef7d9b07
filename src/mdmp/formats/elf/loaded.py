"""An ELF image as it stands in the memory of a process: what its program headers lead to."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, Protocol

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog, MemoryUnavailable
from mdmp.formats.dwarf import CallFrames, FrameSection, Row
from mdmp.formats.elf import structs as wire
from mdmp.formats.elf.elf import ElfFrame, symbol_frame
from mdmp.formats.elf.header import Segment, read_header, segments
from mdmp.formats.elf.notes import Note, build_id_of, read_notes
from mdmp.formats.elf.symbols import ElfSymbol, SymbolTable

MAX_READ = 1 << 26
"""Bytes of the largest table that is believed."""
_MAX_SEGMENTS = 256
_MAX_NOTE_SEGMENTS = 4
_MAX_NOTES = 4096
"""Images have a dozen segments and some hundred bytes of notes; a core can have thousands of images."""
_POINTERS = (wire.DT_HASH, wire.DT_STRTAB, wire.DT_SYMTAB, wire.DT_GNU_HASH)


class ImageBytes(Protocol):
    """An image as the loader lays it out, from its lowest page on."""

    def read(self, rva: int, size: int) -> bytes:
        """Exactly `size` bytes; `FormatError` or `MemoryUnavailable` when the image does not have them here."""


class LinkedBytes(NamedTuple):
    """A part of the image, to be read by offset."""

    image: ImageBytes
    rva: int
    size: int

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise FormatError("ELF image", f"expected an end <= {self.size:#x}; found {offset + size:#x}", self.rva)
        return self.image.read(self.rva + offset, size)


class LoadedElf:
    """A loaded ELF image. Addresses are as linked: `linked(address)` makes one of an address of the process.

    `base` is where its lowest page lies in the process. Raises `FormatError` or `MemoryUnavailable` when the
    headers cannot be read; what cannot be read later on costs that answer and is listed in `issues`.
    """

    def __init__(self, image: ImageBytes, base: int) -> None:
        self.image = image
        self.base = base
        self.issues = IssueLog()
        head = image.read(0, 52)
        if head[4:5] == b"\x02":
            head = image.read(0, 64)
        self.header = read_header(Window(head, "ELF header"))
        raw = self.header.raw
        if raw.e_phnum > _MAX_SEGMENTS:
            raise FormatError("ELF header.e_phnum", f"expected at most {_MAX_SEGMENTS} segments; found {raw.e_phnum}")
        table = Window(image.read(raw.e_phoff, raw.e_phnum * raw.e_phentsize), "program headers")
        self.segments = segments(table, self.header, 0, raw.e_phnum)
        loads = [segment for segment in self.segments if segment.type == wire.PT_LOAD]
        self.load_address = min((segment.address & ~0xFFF for segment in loads), default=0)
        self.end = max((segment.address + segment.memory_size for segment in loads), default=0)

    @property
    def machine(self) -> str:
        return self.header.machine

    @property
    def type(self) -> int:
        return self.header.type

    def linked(self, address: int) -> int:
        return address - self.base + self.load_address

    def _read(self, address: int, size: int, what: str) -> Window:
        if size > MAX_READ:
            raise FormatError(what, f"expected at most {MAX_READ:#x} bytes; found {size:#x}", address)
        return Window(self.image.read(address - self.load_address, size), what)

    def _segment(self, kind: int) -> Segment | None:
        return next((segment for segment in self.segments if segment.type == kind), None)

    def _survive(self, what: str, problem: FormatError | MemoryUnavailable) -> None:
        if isinstance(problem, FormatError):
            self.issues.survive(problem)
        else:
            self.issues.add(what, str(problem))

    def notes(self) -> Iterator[Note]:
        """Those that the linker puts first: all that programs have."""
        for segment in [segment for segment in self.segments if segment.type == wire.PT_NOTE][:_MAX_NOTE_SEGMENTS]:
            if segment.file_size <= _MAX_NOTES:
                try:
                    yield from read_notes(self._read(segment.address, segment.file_size, "notes"), segment.align)
                except (FormatError, MemoryUnavailable) as problem:
                    self._survive("notes", problem)

    @cached_property
    def build_id(self) -> bytes | None:
        return build_id_of(self.notes())

    @cached_property
    def dynamic(self) -> dict[int, int]:
        """The dynamic section: tag to value; pointers as linked."""
        segment = self._segment(wire.PT_DYNAMIC)
        if segment is None:
            return {}
        size = self.header.address_size
        try:
            table = self._read(segment.address, segment.memory_size, "dynamic section")
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("dynamic section", problem)
            return {}
        word = table.u64 if size == 8 else table.u32
        found: dict[int, int] = {}
        for at in range(0, table.size - 2 * size + 1, 2 * size):
            tag, value = word(at), word(at + size)
            if tag == 0:
                break
            if tag in _POINTERS and not self.load_address <= value < self.end:
                value = self.linked(value)  # the loader of the GNU C library puts real addresses there
            found.setdefault(tag, value)
        return found

    @cached_property
    def soname(self) -> str | None:
        """The name that the library gives itself."""
        at = self.dynamic.get(wire.DT_SONAME)
        strings = self._strings
        if at is None or strings is None or at >= strings.size:
            return None
        return strings.cstring(at).decode("utf-8", "replace")

    @cached_property
    def _strings(self) -> Window | None:
        at, size = self.dynamic.get(wire.DT_STRTAB), self.dynamic.get(wire.DT_STRSZ)
        try:
            return self._read(at, size, "dynstr") if at is not None and size is not None else None
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("dynstr", problem)
            return None

    @cached_property
    def _symbols(self) -> SymbolTable | None:
        at, strings = self.dynamic.get(wire.DT_SYMTAB), self._strings
        if at is None or strings is None:
            return None
        code = [
            (segment.address, segment.address + segment.memory_size)
            for segment in self.segments
            if segment.type == wire.PT_LOAD and segment.flags & wire.PF_X
        ]
        try:
            table = self._read(at, self._symbol_count() * (24 if self.header.bits == 64 else 16), "dynsym")
            return SymbolTable(table, strings, self.header.bits, self.machine, code)
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("dynsym", problem)
            return None

    def _symbol_count(self) -> int:
        """No field tells it: the hash tables do."""
        plain, gnu = self.dynamic.get(wire.DT_HASH), self.dynamic.get(wire.DT_GNU_HASH)
        if plain is not None:
            return self._read(plain, 8, "hash table").u32(4)
        if gnu is None:
            return 0
        head = self._read(gnu, 16, "GNU hash table")
        buckets_at = gnu + 16 + head.u32(8) * self.header.address_size
        buckets = self._read(buckets_at, head.u32(0) * 4, "GNU hash table")
        last = max((buckets.u32(i) for i in range(0, buckets.size, 4)), default=0)
        first = head.u32(4)
        if last < first:
            return first
        chain_at = buckets_at + buckets.size
        for i in range(last - first, MAX_READ // 24):
            if self._read(chain_at + 4 * i, 4, "GNU hash table").u32(0) & 1:  # the mark of a chain's end
                return first + i + 1
        raise FormatError("GNU hash table", "a chain does not end")

    def symbol(self, address: int) -> ElfSymbol | None:
        """The exported function at an address as linked."""
        try:
            return self._symbols.find(address) if self._symbols else None
        except FormatError as problem:
            self.issues.survive(problem)
            return None

    def named(self, name: str) -> ElfSymbol | None:
        """The exported symbol of a name, function or not."""
        try:
            return self._symbols.named(name) if self._symbols else None
        except FormatError as problem:
            self.issues.survive(problem)
            return None

    def lookup(self, address: int) -> tuple[ElfFrame, ...]:
        """The exported function at an address as linked; memory holds neither files nor lines."""
        symbol = self.symbol(address)
        if symbol is None:
            return ()
        return (symbol_frame(symbol, "dynsym"),)

    @cached_property
    def call_frames(self) -> CallFrames | None:
        """`.eh_frame` through the `.eh_frame_hdr` that a program header points at."""
        segment = self._segment(wire.PT_GNU_EH_FRAME)
        if segment is None:
            return None
        index = LinkedBytes(self.image, segment.address - self.load_address, segment.memory_size)
        try:
            head = index.read(0, 8)
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("eh_frame_hdr", problem)
            return None
        if head[1] != 0x1B:  # relative to its own place, 4 bytes: what every linker writes
            self.issues.add("eh_frame_hdr", f"expected pointer encoding 0x1b; found {head[1]:#x}")
            return None
        frames = segment.address + 4 + int.from_bytes(head[4:8], "little", signed=True)
        end = next(
            (
                load.address + load.file_size
                for load in self.segments
                if load.type == wire.PT_LOAD and load.address <= frames < load.address + load.file_size
            ),
            frames,
        )
        content = LinkedBytes(self.image, frames - self.load_address, end - frames)
        return CallFrames(FrameSection(content, frames), self.header.address_size, (index, segment.address))

    def row(self, address: int) -> Row | None:
        """How to unwind from an address as linked; None when the image does not tell."""
        try:
            return self.call_frames.row(address) if self.call_frames else None
        except (FormatError, MemoryUnavailable) as problem:
            self._survive("eh_frame", problem)
            return None
