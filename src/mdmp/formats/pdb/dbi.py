"""The DBI stream: which compilands were linked, where their code lies, and which streams hold the rest.

Nothing but the header is read at first. Section contributions are searched where they lie; the list of modules,
whose records have no fixed size, is walked once, when a module is first asked for.
Layout: LLVM's docs/PDB/DbiStream.rst.
"""

import sys
from array import array
from bisect import bisect_right
from itertools import islice
from struct import Struct
from typing import Annotated, NamedTuple

from mdmp.binary.record import Bytes, Record, i32, u16, u32
from mdmp.errors import FormatError
from mdmp.formats.pdb.msf import Stream

NO_STREAM = 0xFFFF
STRIDES = {0xEFFE0000 + 19970605: 28, 0xEFFE0000 + 20140516: 32}  # by version of the contributions
FLAG_INCREMENTAL, FLAG_STRIPPED = 1, 2
DEBUG_STREAMS = (
    *("fpo", "exception", "fixup", "omap_to_source", "omap_from_source", "sections"),
    *("token_rid", "xdata", "pdata", "new_fpo", "original_sections"),
)
COLD_SEARCHES = 8
_CONTRIBUTION = Struct("<HxxII4xH")
_PLACE = Struct("<HxxI")


class DbiStreamHeader(Record, size=64):
    VersionSignature: i32
    VersionHeader: u32
    Age: u32
    GlobalStreamIndex: u16
    BuildNumber: u16
    PublicStreamIndex: u16
    PdbDllVersion: u16
    SymRecordStream: u16
    PdbDllRbld: u16
    ModInfoSize: i32
    SectionContributionSize: i32
    SectionMapSize: i32
    SourceInfoSize: i32
    TypeServerMapSize: i32
    MFCTypeServerIndex: u32
    OptionalDbgHeaderSize: i32
    ECSubstreamSize: i32
    Flags: u16
    Machine: u16
    Padding: u32


class Contribution(NamedTuple):
    """A piece of a section that came from one module."""

    section: int
    offset: int
    size: int
    module: int


class ModuleInfo(NamedTuple):
    """A compiland: `name` is its object file (or what made it), `object_file` the library or object it came from."""

    number: int
    name: str
    object_file: str
    stream: int
    """Index of its symbol stream, `NO_STREAM` when it has none."""
    symbols_size: int
    c11_size: int
    c13_size: int


class ModuleRecord(Record, size=64):
    Unused1: u32
    SectionContribution: Annotated[bytes, Bytes(28)]
    Flags: u16
    ModuleSymStream: u16
    SymByteSize: u32
    C11ByteSize: u32
    C13ByteSize: u32
    SourceFileCount: u16
    Padding: u16
    Unused2: u32
    SourceFileNameIndex: u32
    PdbFilePathNameIndex: u32


class Dbi:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.header = DbiStreamHeader.read(stream.window(0, DbiStreamHeader.SIZE, "DbiStreamHeader"))
        h = self.header
        if h.VersionSignature != -1:
            raise FormatError(stream.name, f"expected the version signature -1; found {h.VersionSignature}")
        sizes = [h.ModInfoSize, h.SectionContributionSize, h.SectionMapSize, h.SourceInfoSize]
        sizes += [h.TypeServerMapSize, h.ECSubstreamSize, h.OptionalDbgHeaderSize]
        if min(sizes) < 0 or DbiStreamHeader.SIZE + sum(sizes) > stream.size:
            raise FormatError(stream.name, f"substreams of {sizes} bytes do not fit into {stream.size}")
        self.contributions = Contributions(stream, DbiStreamHeader.SIZE + h.ModInfoSize, h.SectionContributionSize)
        at = DbiStreamHeader.SIZE + sum(sizes[:-1])
        listed = stream.read(at, h.OptionalDbgHeaderSize & ~1)
        indexes = (int.from_bytes(listed[i : i + 2], "little") for i in range(0, len(listed), 2))
        self.debug_streams = {
            name: index for name, index in zip(DEBUG_STREAMS, indexes, strict=False) if index not in (0, NO_STREAM)
        }
        self._module_list = b""
        self._module_at: list[int] | None = None

    def _modules(self) -> list[int]:
        if self._module_at is None:
            self._module_list = self._stream.read(DbiStreamHeader.SIZE, self.header.ModInfoSize)
            self._module_at = find_modules(self._module_list)
        return self._module_at

    def module_count(self) -> int:
        return len(self._modules())

    def module(self, index: int) -> ModuleInfo:
        places = self._modules()
        if not 0 <= index < len(places):
            raise FormatError(self._stream.name, f"expected one of {len(places)} modules; found module {index}")
        at = places[index]
        record = ModuleRecord(ModuleRecord.STRUCT.unpack_from(self._module_list, at))
        end = self._module_list.index(0, at + 64)
        name = self._module_list[at + 64 : end]
        object_file = self._module_list[end + 1 : self._module_list.index(0, end + 1)]
        return ModuleInfo(
            index,
            name.decode("utf-8", "replace"),
            object_file.decode("utf-8", "replace"),
            record.ModuleSymStream,
            record.SymByteSize,
            record.C11ByteSize,
            record.C13ByteSize,
        )


def find_modules(data: bytes) -> list[int]:
    """Where each record of the module list starts; a cut record ends the list."""
    places = []
    at = 0
    while at + 66 <= len(data):
        name_end = data.find(0, at + 64)
        end = data.find(0, name_end + 1) if name_end >= 0 else -1
        if end < 0:
            break
        places.append(at)
        at = (end + 4) & ~3
    return places


class Contributions:
    """The section contributions: which module a place in the image came from. The linker sorts them by place.

    The first few searches bisect the records where they lie; then a column of all places is kept (8 bytes each).
    """

    def __init__(self, stream: Stream, at: int, size: int) -> None:
        self._stream = stream
        self._at = at + 4
        self._size = max(size - 4, 0)
        self._stride = 0
        self._searches = 0
        self._places: array[int] | None = None
        self._order: list[int] | None = None

    @property
    def is_empty(self) -> bool:
        return self._size < 28

    def find(self, section: int, offset: int) -> Contribution | None:
        """The contribution that covers a place."""
        found = self.nearest(section, offset)
        return found if found and offset < found.offset + found.size else None

    def nearest(self, section: int, offset: int) -> Contribution | None:
        """The last contribution of the section that does not start behind `offset`."""
        if not self._stride:
            version = self._stream.u32(self._at - 4)
            if version not in STRIDES:
                raise FormatError(f"{self._stream.name}.section contributions", f"unknown version {version:#x}")
            self._stride = STRIDES[version]
        wanted = section << 32 | offset
        self._searches += 1
        if self._places is None and self._searches <= COLD_SEARCHES:
            i = bisect_right(range(self._size // self._stride), wanted, key=self._place) - 1
            found = self._get(i) if i >= 0 else None
            if found and found.section == section and offset < found.offset + found.size:
                return found
        if self._places is None:  # a miss is believed only when the order was checked
            self._read_places()
        i = bisect_right(self._places or (), wanted) - 1
        if i < 0:
            return None
        found = self._get(self._order[i] if self._order else i)
        return found if found.section == section else None

    def _place(self, index: int) -> int:
        section, offset = _PLACE.unpack(self._stream.read(self._at + index * self._stride, 8))
        return int(section << 32 | offset)

    def _get(self, index: int) -> Contribution:
        return Contribution(*_CONTRIBUTION.unpack(self._stream.read(self._at + index * self._stride, 18)))

    def _read_places(self) -> None:
        count = self._size // self._stride
        data = self._stream.read(self._at, count * self._stride)
        column = bytearray(8 * count)
        for to, source in enumerate((4, 5, 6, 7, 0, 1)):  # offset, then section
            column[to::8] = data[source :: self._stride]
        places = array("Q", column)
        if sys.byteorder == "big":
            places.byteswap()
        if any(map(int.__gt__, places, islice(places, 1, None))):
            self._order = sorted(range(count), key=places.__getitem__)
            places = array("Q", sorted(places))
        self._places = places


class Section(NamedTuple):
    """A section of the image: `size` is the one in memory."""

    name: str
    rva: int
    size: int
    characteristics: int


def read_sections(stream: Stream) -> tuple[Section, ...]:
    """The section headers (IMAGE_SECTION_HEADER) that the linker copied into the PDB."""
    layout = Struct("<8sIIII12xI")
    data = stream.read(0, min(stream.size, 0xFFFF * 40) // 40 * 40)
    return tuple(
        Section(name.rstrip(b"\0").decode("latin-1"), rva, max(size, raw), flags)
        for name, size, rva, raw, _, flags in layout.iter_unpack(data)
    )


class SectionTable:
    """Translates between addresses relative to the image and (section, offset); sections count from 1."""

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self.sections = sections
        self._order = sorted((s.rva, i + 1) for i, s in enumerate(sections))

    def place(self, rva: int) -> tuple[int, int] | None:
        i = bisect_right(self._order, (rva, 1 << 32)) - 1
        if i < 0:
            return None
        start, number = self._order[i]
        return (number, rva - start) if rva - start < self.sections[number - 1].size else None

    def rva(self, section: int, offset: int) -> int | None:
        return self.sections[section - 1].rva + offset if 1 <= section <= len(self.sections) else None
