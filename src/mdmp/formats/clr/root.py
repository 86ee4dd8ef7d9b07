"""The root of metadata and its heaps (ECMA-335 II.24.2)."""

from mdmp.binary.record import Record, u16, u32
from mdmp.binary.window import Window
from mdmp.errors import FormatError

SIGNATURE = 0x424A5342
"""`BSJB`"""

_MAX_VERSION = 256
_MAX_STREAMS = 32
_MAX_STRING = 4096
_EMPTY = Window(b"", "no stream")


class MetadataRoot(Record, size=16):
    """The version text and the headers of the streams follow."""

    Signature: u32
    MajorVersion: u16
    MinorVersion: u16
    Reserved: u32
    Length: u32


class Root:
    """The streams by name, and what can be read of the heaps."""

    def __init__(self, window: Window) -> None:
        """Raises `FormatError` when it is no metadata, or cut off."""
        header = MetadataRoot.read(window)
        if header.Signature != SIGNATURE:
            raise FormatError(
                f"{window.name}.Signature", f"expected 0x424a5342; found {header.Signature:#x}", window.start
            )
        if header.Length > _MAX_VERSION:
            problem = f"expected at most {_MAX_VERSION}; found {header.Length}"
            raise FormatError(f"{window.name}.Length", problem, window.start)
        at = header.SIZE + header.Length
        self.version = window.cstring(header.SIZE, header.Length).decode("utf-8", "replace")
        self._streams: dict[str, Window] = {}
        count = window.u16(at + 2, "Streams")
        at += 4
        for _ in range(min(count, _MAX_STREAMS)):
            offset, size = window.u32(at, "Offset"), window.u32(at + 4, "Size")
            raw = window.cstring(at + 8, 32)
            name = raw.decode("ascii", "replace")
            self._streams.setdefault(name, window.sub(offset, size, name))
            at += 8 + (len(raw) + 4 & ~3)
        self._strings = self.stream("#Strings") or _EMPTY
        self._blobs = self.stream("#Blob") or _EMPTY
        self._guids = self.stream("#GUID") or _EMPTY

    def stream(self, name: str) -> Window | None:
        return self._streams.get(name)

    @property
    def tables(self) -> Window:
        """The stream of tables; `#-` is its form in edit-and-continue images. Raises `FormatError` without one."""
        found = self.stream("#~") or self.stream("#-")
        if found is None:
            raise FormatError("metadata", "expected a stream of tables (#~); found none")
        return found

    def string(self, index: int) -> str:
        """Raises `FormatError` when it lies outside of the heap."""
        return self._strings.cstring(index, _MAX_STRING).decode("utf-8", "replace")

    def guid(self, index: int) -> bytes:
        """16 bytes; zeros for index 0, which stands for none. Raises `FormatError`."""
        return self._guids.read(16 * (index - 1), 16) if index else bytes(16)

    def blob(self, index: int) -> Window:
        """Raises `FormatError` when it lies outside of the heap."""
        if index == 0:
            return _EMPTY
        size, start = unsigned(self._blobs, index)
        return self._blobs.sub(start, size)


def unsigned(window: Window, at: int) -> tuple[int, int]:
    """A compressed unsigned integer (II.23.2) and where it ends. Raises `FormatError`."""
    first = window.u8(at)
    if first < 0x80:
        return first, at + 1
    if first < 0xC0:
        return (first & 0x3F) << 8 | window.u8(at + 1), at + 2
    if first < 0xE0:
        return int.from_bytes(window.read(at, 4), "big") & 0x1FFFFFFF, at + 4
    raise FormatError(f"{window.name}.compressed integer", f"expected a lead byte < 0xe0; found {first:#x}", at)


def signed(window: Window, at: int) -> tuple[int, int]:
    """A compressed signed integer: rotated, so that its sign is the lowest bit. Raises `FormatError`."""
    value, end = unsigned(window, at)
    if value & 1:
        return (value >> 1) - {1: 1 << 6, 2: 1 << 13, 4: 1 << 28}[end - at], end
    return value >> 1, end
