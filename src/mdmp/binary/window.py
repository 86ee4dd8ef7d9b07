"""A bounded, read-only view of bytes. Reading is by offset; there is no cursor and nothing is copied until asked."""

import mmap
import os
import sys
from struct import Struct

from mdmp.errors import FormatError, UnusableInputError

Buffer = bytes | bytearray | mmap.mmap

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")


class Window:
    """The bytes [start, start + size) of a buffer, named for error messages.

    Every read states its bounds: outside of them a `FormatError` tells the name, the file offset, what was
    expected and what was found. Offsets given to methods are relative to the window.
    """

    __slots__ = ("buffer", "name", "size", "start")

    def __init__(self, buffer: Buffer, name: str, start: int = 0, size: int | None = None) -> None:
        end = len(buffer)
        if size is None:
            size = end - start
        if start < 0 or size < 0 or start + size > end:
            raise FormatError(name, f"expected an end <= {end:#x} (file size); found {start + size:#x}", start)
        self.buffer = buffer
        self.name = name
        self.start = start
        self.size = size

    def __len__(self) -> int:
        return self.size

    def check(self, offset: int, size: int, what: str = "") -> int:
        """The buffer position of `offset`, once `size` bytes are known to lie there."""
        if offset < 0 or size < 0 or offset + size > self.size:
            place = f"{self.name}.{what}" if what else self.name
            problem = f"expected an end <= {self.size:#x} (size of {self.name}); found {offset + size:#x}"
            raise FormatError(place, problem, self.start + offset)
        return self.start + offset

    def read(self, offset: int, size: int, what: str = "") -> bytes:
        at = self.check(offset, size, what)
        return bytes(self.buffer[at : at + size])

    def tobytes(self) -> bytes:
        return bytes(self.buffer[self.start : self.start + self.size])

    def release(self, offset: int, size: int) -> None:
        """Gives the pages of a mapped file back to the system; they are read again when they are needed again.

        Without it, all of a big file that is copied piece by piece counts as memory of ours in the end.
        """
        if sys.platform != "win32" and isinstance(self.buffer, mmap.mmap):
            at = self.check(offset, size)
            first = at // mmap.PAGESIZE * mmap.PAGESIZE
            self.buffer.madvise(mmap.MADV_DONTNEED, first, at + size - first)

    def sub(self, offset: int, size: int | None = None, name: str = "") -> "Window":
        """A window inside this one; `size` None means up to the end."""
        size = self.size - offset if size is None else size
        at = self.check(offset, size, name)
        return Window(self.buffer, name or self.name, at, size)

    def u8(self, offset: int, what: str = "") -> int:
        return self.buffer[self.check(offset, 1, what)]

    def u16(self, offset: int, what: str = "") -> int:
        return int(_U16.unpack_from(self.buffer, self.check(offset, 2, what))[0])

    def u32(self, offset: int, what: str = "") -> int:
        return int(_U32.unpack_from(self.buffer, self.check(offset, 4, what))[0])

    def u64(self, offset: int, what: str = "") -> int:
        return int(_U64.unpack_from(self.buffer, self.check(offset, 8, what))[0])

    def cstring(self, offset: int, limit: int = 4096, what: str = "") -> bytes:
        """The bytes up to a NUL, the end of the window or `limit`, whichever comes first (NUL not included)."""
        at = self.check(offset, 0, what)
        end = min(at + limit, self.start + self.size)
        nul = self.buffer.find(b"\0", at, end)
        return bytes(self.buffer[at : end if nul < 0 else nul])


def map_file(path: str | os.PathLike[str]) -> Window:
    """A window over a whole file, memory-mapped: nothing is read before it is asked for.

    Raises `UnusableInputError` for a missing, unreadable or empty file.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:  # not pathlib: it takes longer to import than a dump to open
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise UnusableInputError(f"{name}: the file is empty") from None
    except OSError as problem:
        raise UnusableInputError(f"{name}: {problem.strerror or problem}") from None
    return Window(buffer, os.path.basename(name))
