"""The MSF 7.0 container: a PDB is a set of streams, each a list of pages that may lie anywhere in the file.

Nothing is joined ahead of time: reading (offset, size) of a stream touches the pages that hold these bytes. The free
page maps say nothing that a reader needs and are not looked at.
Layout: LLVM's docs/PDB/MsfFile.rst.
"""

import sys
from array import array
from itertools import accumulate
from typing import Annotated

from mdmp.binary.record import Bytes, Record, u32
from mdmp.binary.window import Window
from mdmp.errors import FormatError, UnusableInputError

MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
OLD_MAGIC = b"Microsoft C/C++ program database 2.00\r\n\x1aJG"
PORTABLE_MAGIC = b"BSJB"
NIL_SIZE = 0xFFFFFFFF


class SuperBlock(Record, size=56):
    FileMagic: Annotated[bytes, Bytes(32)]
    BlockSize: u32
    FreeBlockMapBlock: u32
    NumBlocks: u32
    NumDirectoryBytes: u32
    Unknown: u32
    BlockMapAddr: u32


def words(data: bytes) -> "array[int]":
    """Little-endian u32 values; a rest of fewer than four bytes is left out."""
    values = array("I", data[: len(data) & ~3])
    if sys.byteorder == "big":
        values.byteswap()
    return values


class Stream:
    """One stream: `size` bytes on `pages`. Offsets are relative to the stream."""

    __slots__ = ("_mask", "_pages", "_shift", "_window", "name", "size")

    def __init__(self, window: Window, pages: "array[int]", shift: int, size: int, name: str) -> None:
        self._window = window
        self._pages = pages
        self._shift = shift
        self._mask = (1 << shift) - 1
        self.size = size
        self.name = name

    def read(self, offset: int, size: int, what: str = "") -> bytes:
        """The bytes [offset, offset + size); `FormatError` when the stream or the file ends before."""
        end = offset + size
        if offset < 0 or size < 0 or end > self.size:
            place = f"{self.name}.{what}" if what else self.name
            raise FormatError(place, f"expected an end <= {self.size:#x} (size of the stream); found {end:#x}", offset)
        shift, pages, window = self._shift, self._pages, self._window
        first = offset >> shift
        at = (pages[first] << shift) + (offset & self._mask) if size else 0
        last = (end - 1) >> shift
        if first >= last:
            start = window.check(at, size, self.name)
            return bytes(window.buffer[start : start + size])
        parts = []
        while first <= last:
            run = first + 1
            while run <= last and pages[run] == pages[run - 1] + 1:
                run += 1
            at = (pages[first] << shift) + (offset & self._mask)
            count = min(end, run << shift) - offset
            start = window.check(at, count, self.name)
            parts.append(window.buffer[start : start + count])
            offset += count
            first = run
        return b"".join(parts)

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.read(offset, 2), "little")

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.read(offset, 4), "little")

    def cstring(self, offset: int, limit: int = 0x10000) -> bytes:
        """The bytes up to a NUL, the end of the stream or `limit`, whichever comes first."""
        found = b""
        step = 128
        while len(found) < limit and offset < self.size:
            part = self.read(offset, min(step, self.size - offset))
            nul = part.find(0)
            if nul >= 0:
                return found + part[:nul]
            found += part
            offset += len(part)
            step = 4096
        return found[:limit]

    def window(self, offset: int, size: int, what: str) -> Window:
        """A copy of a small part, for the declared records."""
        return Window(self.read(offset, size, what), f"{self.name}.{what}")


class Msf:
    """The streams of a PDB by index. Opening reads the superblock and the sizes in the directory.

    Raises `UnusableInputError` when the file is something else, `FormatError` when the directory is damaged.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        _refuse_others(window)
        try:
            block = SuperBlock.read(window)
        except FormatError:
            raise UnusableInputError(f"{window.name}: the file ends within the PDB header") from None
        size = block.BlockSize
        if size & (size - 1) or not 512 <= size <= 0x10000:
            raise UnusableInputError(
                f"{window.name}: a PDB page size of {size} is not a power of two from 512 to 65536"
            )
        self.page_size: int = size
        self._shift = size.bit_length() - 1
        self._directory = self._open_directory(block)
        count = self._directory.u32(0)
        if 4 + 4 * count > self._directory.size:
            raise FormatError("PDB stream directory", f"{count} streams do not fit into {self._directory.size} bytes")
        self._sizes = words(self._directory.read(4, 4 * count))
        mask, shift = size - 1, self._shift
        page_counts = (0 if s == NIL_SIZE else (s + mask) >> shift for s in self._sizes)
        self._first_page = [0, *accumulate(page_counts)]
        self._lists_at = 4 + 4 * count

    def __len__(self) -> int:
        return len(self._sizes)

    def _open_directory(self, block: SuperBlock) -> Stream:
        size, shift = block.NumDirectoryBytes, self._shift
        if not 4 <= size <= self.window.size:
            raise FormatError("PDB stream directory", f"expected a size from 4 to {self.window.size}; found {size}")
        pages = (size + self.page_size - 1) >> shift
        # The list of the directory's own pages lies in consecutive pages, however long it is.
        listed = self.window.read(block.BlockMapAddr << shift, 4 * pages, "stream directory map")
        return Stream(self.window, words(listed), shift, size, "PDB stream directory")

    def exists(self, index: int) -> bool:
        return 0 <= index < len(self._sizes) and self._sizes[index] != NIL_SIZE

    def stream(self, index: int, name: str = "") -> Stream:
        """The stream, its pages not yet read. `FormatError` when there is none or its page list is cut."""
        name = name or f"PDB stream {index}"
        if not self.exists(index):
            raise FormatError(name, f"expected one of {len(self._sizes)} streams; stream {index:#x} does not exist")
        size = self._sizes[index]
        if size > self.window.size:
            raise FormatError(name, f"expected a size <= {self.window.size:#x} (the file's); found {size:#x}")
        first, end = self._first_page[index], self._first_page[index + 1]
        pages = words(self._directory.read(self._lists_at + 4 * first, 4 * (end - first), name))
        return Stream(self.window, pages, self._shift, size, name)


def _refuse_others(window: Window) -> None:
    start = window.read(0, min(len(OLD_MAGIC), window.size))
    if start.startswith(PORTABLE_MAGIC):
        raise UnusableInputError(f"{window.name}: a portable PDB (.NET metadata), not a native one")
    if start == OLD_MAGIC:
        raise UnusableInputError(f"{window.name}: a PDB 2.0 (Visual C++ 6 and before); only PDB 7.0 is read")
    if not start.startswith(MAGIC[: len(start)]) or len(start) < len(MAGIC):
        raise UnusableInputError(f"{window.name}: not a PDB (the MSF 7.00 signature is missing)")
