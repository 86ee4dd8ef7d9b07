"""The bytes of a Mach-O image by linked address and by file offset, wherever they are: in a file or a process."""

from typing import NamedTuple, Protocol

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.macho.header import Segment

MAX_READ = 1 << 26
"""Bytes of the largest table in memory that is believed."""


class Bytes(Protocol):
    """A part of the image, read by offset: a `Window`, or memory of a process."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes; `FormatError` or `MemoryUnavailable`."""


class ImageBytes(Protocol):
    """An image as the loader lays it out, from its header on."""

    def read(self, rva: int, size: int) -> bytes:
        """Exactly `size` bytes; `FormatError` or `MemoryUnavailable` when the image does not have them here."""


class Contents(Protocol):
    def head(self, size: int) -> Window:
        """The first bytes: header and load commands."""

    def at_address(self, segments: tuple[Segment, ...], address: int, size: int, name: str) -> Bytes: ...

    def at_offset(self, segments: tuple[Segment, ...], offset: int, size: int, name: str) -> Bytes: ...


class FileContents:
    def __init__(self, window: Window) -> None:
        self.window = window

    def head(self, size: int) -> Window:
        return self.window.sub(0, size)

    def at_address(self, segments: tuple[Segment, ...], address: int, size: int, name: str) -> Window:
        """`FormatError` where the file has no bytes for it, as for the code in a dSYM bundle."""
        for segment in segments:
            at = address - segment.address
            if at >= 0 and at + size <= segment.file_size:
                return self.window.sub(segment.offset + at, size, name)
        raise FormatError(name, f"no segment of the file holds {size:#x} bytes", address)

    def at_offset(self, segments: tuple[Segment, ...], offset: int, size: int, name: str) -> Window:
        return self.window.sub(offset, size, name)


class LoadedBytes(NamedTuple):
    """A part of an image in memory."""

    image: ImageBytes
    rva: int
    size: int

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise FormatError("Mach-O image", f"expected an end <= {self.size:#x}; found {offset + size:#x}", self.rva)
        if size > MAX_READ:
            raise FormatError("Mach-O image", f"expected at most {MAX_READ:#x} bytes; found {size:#x}", self.rva)
        return self.image.read(self.rva + offset, size)


class LoadedContents:
    """What stands at a file offset is found through the segment that was loaded from there."""

    def __init__(self, image: ImageBytes) -> None:
        self.image = image

    def head(self, size: int) -> Window:
        return Window(LoadedBytes(self.image, 0, size).read(0, size), "Mach-O header")

    def at_address(self, segments: tuple[Segment, ...], address: int, size: int, name: str) -> LoadedBytes:
        base = load_address(segments)
        for segment in segments:
            if segment.address <= address and address + size <= segment.address + segment.size:
                return LoadedBytes(self.image, address - base, size)
        raise FormatError(name, f"no segment holds {size:#x} bytes", address)

    def at_offset(self, segments: tuple[Segment, ...], offset: int, size: int, name: str) -> LoadedBytes:
        for segment in segments:
            at = offset - segment.offset
            if segment.file_size and at >= 0 and at + size <= segment.file_size:
                return self.at_address(segments, segment.address + at, size, name)
        raise FormatError(name, f"no segment holds {size:#x} bytes of the file", offset)


def load_address(segments: tuple[Segment, ...]) -> int:
    """The linked address of the image's base: where `__TEXT`, and with it the header, goes."""
    for segment in segments:
        if segment.name == "__TEXT":
            return segment.address
    return min((segment.address for segment in segments if segment.protection), default=0)
