"""Where each piece of a new minidump lies: all places are given out before a byte is written.

Order in the file: header, directory, the pieces in the order in which they were placed, then the memory.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mdmp.errors import FormatError
from mdmp.formats.minidump.header import (
    MINIDUMP_DIRECTORY,
    MINIDUMP_HEADER,
    MINIDUMP_LOCATION_DESCRIPTOR,
    SIGNATURE,
    VERSION,
)
from mdmp.formats.minidump.text import MAX_BYTES

WRITER = 0x6D64
"""The high word of MINIDUMP_HEADER.Version in the dumps that mdmp writes."""
MAX_RVA = 0xFFFFFFFF
CAPACITY = 64
"""Entries that the directory is made for when its length is not known; unused ones stay zero."""


class Piece(NamedTuple):
    rva: int
    size: int
    make: Callable[[], bytes]
    """Exactly `size` bytes; asked for when the piece is written."""


class Layout:
    """Gives out places from `capacity` directory entries on; every RVA fits 32 bits or `FormatError` is raised."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.end = MINIDUMP_HEADER.SIZE + MINIDUMP_DIRECTORY.SIZE * capacity
        self.pieces: list[Piece] = []
        self.directory: list[MINIDUMP_DIRECTORY] = []
        self._strings: dict[str, int] = {}

    def reserve(self, size: int, align: int = 8) -> int:
        """The RVA of the next `size` bytes, which somebody else writes."""
        rva = (self.end + align - 1) // align * align
        if rva + size > MAX_RVA:
            raise FormatError("minidump", f"expected all but the memory below 4 GiB; found an end at {rva + size:#x}")
        self.end = rva + size
        return rva

    def later(self, size: int, make: Callable[[], bytes], align: int = 8) -> MINIDUMP_LOCATION_DESCRIPTOR:
        """A place for bytes that are made when everything has its place."""
        rva = self.reserve(size, align)
        self.pieces.append(Piece(rva, size, make))
        return MINIDUMP_LOCATION_DESCRIPTOR((size, rva))

    def place(self, data: bytes, align: int = 8) -> MINIDUMP_LOCATION_DESCRIPTOR:
        return self.later(len(data), lambda: data, align)

    def wide(self, text: str) -> int:
        """The RVA of a MINIDUMP_STRING; the same text is placed once."""
        if text not in self._strings:
            raw = text.encode("utf-16-le", "replace")[:MAX_BYTES]
            self._strings[text] = self.place(len(raw).to_bytes(4, "little") + raw + b"\0\0", 4).Rva
        return self._strings[text]

    def byte_array(self, raw: bytes) -> int:
        """The RVA of a MinidumpByteArray; with text in UTF-8 it is a MinidumpUTF8String."""
        raw = raw[:MAX_BYTES]
        return self.place(len(raw).to_bytes(4, "little") + raw + b"\0", 4).Rva

    def stream(self, number: int, data: bytes) -> None:
        self.stream_later(number, len(data), lambda: data)

    def stream_later(self, number: int, size: int, make: Callable[[], bytes]) -> None:
        """A stream whose bytes are made when everything has its place."""
        if len(self.directory) == self.capacity:
            raise FormatError("MINIDUMP_HEADER.NumberOfStreams", f"expected at most {self.capacity}; found more")
        location = self.later(size, make)
        self.directory.append(MINIDUMP_DIRECTORY((number, *location)))

    def head(self, timestamp: int, flags: int) -> bytes:
        """Header and directory; the signature is left zero: `SIGNATURE` goes to offset 0 when all else is written."""
        header = MINIDUMP_HEADER.new(
            Version=WRITER << 16 | VERSION,
            NumberOfStreams=len(self.directory),
            StreamDirectoryRva=MINIDUMP_HEADER.SIZE,
            TimeDateStamp=timestamp & 0xFFFFFFFF,
            Flags=flags & (1 << 64) - 1,
        )
        return header.pack() + b"".join(entry.pack() for entry in self.directory)

    def bytes_of(self) -> Iterator[tuple[int, bytes]]:
        """(RVA, bytes) of every piece, in file order."""
        for rva, size, make in self.pieces:
            data = make()
            if len(data) != size:
                raise FormatError("minidump", f"expected a piece of {size} bytes; found {len(data)}", rva)
            yield rva, data


__all__ = ["CAPACITY", "MAX_RVA", "SIGNATURE", "WRITER", "Layout", "Piece"]
