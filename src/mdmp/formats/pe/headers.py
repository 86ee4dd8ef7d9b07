"""The headers of a PE image, and the object that the other readers of this package work on."""

from bisect import bisect_right

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.pe import wire
from mdmp.formats.pe.image import FileImage, ImageBytes, MemoryImage, ProcessMemory

_NO_DIRECTORY = wire.IMAGE_DATA_DIRECTORY((0, 0))


class PeImage:
    """A PE image: its headers, decoded, and its bytes by RVA. Everything else is read when asked for."""

    __slots__ = ("_starts", "data", "directories", "file_header", "optional_header", "sections")

    def __init__(self, data: ImageBytes) -> None:
        """Decodes the headers; raises `FormatError` or `MemoryUnavailable` when they cannot be read."""
        self.data = data
        (magic,) = _numbers(data, 0, 1, 2)
        if magic != wire.IMAGE_DOS_SIGNATURE:
            raise FormatError("IMAGE_DOS_HEADER.e_magic", f"expected 0x5a4d (MZ); found {magic:#x}", 0)
        (at,) = _numbers(data, 0x3C, 1, 4)
        (signature,) = _numbers(data, at, 1, 4)
        if signature != wire.IMAGE_NT_SIGNATURE:
            raise FormatError("IMAGE_NT_HEADERS.Signature", f"expected 0x4550 (PE); found {signature:#x}", at)
        at += 4
        self.file_header = wire.IMAGE_FILE_HEADER.read(_part(data, at, 20, "IMAGE_FILE_HEADER"))
        at += 20
        size = self.file_header.SizeOfOptionalHeader
        optional = _part(data, at, size, "IMAGE_OPTIONAL_HEADER")
        self.optional_header = _optional_header(optional, at)
        self.directories = _directories(optional, self.optional_header)
        count = self.file_header.NumberOfSections
        sections = _part(data, at + size, count * 40, "IMAGE_SECTION_HEADER")
        self.sections = tuple(wire.IMAGE_SECTION_HEADER.read_many(sections, 0, count))
        self._starts = [section.VirtualAddress for section in self.sections]

    @property
    def machine(self) -> int:
        return int(self.file_header.Machine)

    @property
    def timestamp(self) -> int:
        return int(self.file_header.TimeDateStamp)

    @property
    def size(self) -> int:
        """Bytes that the loaded image takes."""
        return int(self.optional_header.SizeOfImage)

    @property
    def preferred_base(self) -> int:
        """The address it was linked for (in memory: often the one it was loaded at)."""
        return int(self.optional_header.ImageBase)

    def read(self, rva: int, size: int) -> bytes:
        return self.data.read(rva, size)

    def part(self, rva: int, size: int, what: str) -> Window:
        """A window over `size` bytes at `rva`."""
        return _part(self.data, rva, size, what)

    def directory(self, index: int) -> wire.IMAGE_DATA_DIRECTORY | None:
        """A data directory, or None where the image has none."""
        entry = self.directories[index] if index < len(self.directories) else _NO_DIRECTORY
        return entry if entry.VirtualAddress and entry.Size else None

    def section_at(self, rva: int) -> wire.IMAGE_SECTION_HEADER | None:
        i = bisect_right(self._starts, rva) - 1
        if i < 0:
            return None
        section = self.sections[i]
        return section if rva < section.VirtualAddress + max(section.VirtualSize, section.SizeOfRawData) else None

    def is_executable(self, rva: int) -> bool:
        """May code stand at `rva`, going by its section?"""
        section = self.section_at(rva)
        return section is not None and bool(section.Characteristics & wire.IMAGE_SCN_MEM_EXECUTE)


def open_file(window: Window) -> PeImage:
    """A PE image file. Raises `FormatError` when it is none."""
    headers = PeImage(FileImage(window, ((0, window.size, 0, window.size),)))
    optional = headers.optional_header
    parts = [(0, min(optional.SizeOfHeaders, window.size), 0, min(optional.SizeOfHeaders, window.size))]
    for section in headers.sections:
        offset = section.PointerToRawData
        if optional.SectionAlignment >= 0x1000:
            offset &= ~0x1FF  # as the loader does, whatever FileAlignment says
        stored = min(section.SizeOfRawData, max(window.size - offset, 0))
        span = section.VirtualSize or section.SizeOfRawData
        parts.append((section.VirtualAddress, span, offset, min(stored, span)))
    headers.data = FileImage(window, tuple(parts))
    return headers


def open_memory(memory: ProcessMemory, base: int, size: int) -> PeImage:
    """A PE image of `size` bytes loaded at `base`. Raises `FormatError` or `MemoryUnavailable`."""
    return PeImage(MemoryImage(memory, base, size))


def _part(data: ImageBytes, rva: int, size: int, what: str) -> Window:
    return Window(data.read(rva, size), what)


def _numbers(data: ImageBytes, rva: int, count: int, width: int) -> tuple[int, ...]:
    raw = data.read(rva, count * width)
    return tuple(int.from_bytes(raw[i : i + width], "little") for i in range(0, len(raw), width))


def _optional_header(part: Window, rva: int) -> wire.IMAGE_OPTIONAL_HEADER32 | wire.IMAGE_OPTIONAL_HEADER64:
    magic = part.u16(0, "Magic")
    if magic == wire.IMAGE_NT_OPTIONAL_HDR64_MAGIC:
        return wire.IMAGE_OPTIONAL_HEADER64.read(part)
    if magic == wire.IMAGE_NT_OPTIONAL_HDR32_MAGIC:
        return wire.IMAGE_OPTIONAL_HEADER32.read(part)
    raise FormatError("IMAGE_OPTIONAL_HEADER.Magic", f"expected 0x10b or 0x20b; found {magic:#x}", rva)


def _directories(
    part: Window, header: wire.IMAGE_OPTIONAL_HEADER32 | wire.IMAGE_OPTIONAL_HEADER64
) -> tuple[wire.IMAGE_DATA_DIRECTORY, ...]:
    room = (part.size - header.SIZE) // 8
    return tuple(wire.IMAGE_DATA_DIRECTORY.read_many(part, header.SIZE, min(header.NumberOfRvaAndSizes, room, 16)))
