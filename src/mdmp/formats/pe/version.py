"""The version resource: VS_VERSIONINFO with its fixed numbers and its strings."""

from contextlib import suppress
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.pe import wire
from mdmp.formats.pe.headers import PeImage

RT_VERSION = 16
VS_FFI_SIGNATURE = 0xFEEF04BD

_MAX_ENTRIES = 4096
_MAX_RESOURCE = 1 << 16  # its own length field has 16 bits
_MAX_BLOCKS = 1024


class Version(NamedTuple):
    fixed: wire.VS_FIXEDFILEINFO | None
    strings: dict[str, str]
    """`FileDescription`, `ProductVersion`… of the first language given."""


def read_version(image: PeImage) -> Version | None:
    """The version resource, or None where there is none. Raises `FormatError` or `MemoryUnavailable`."""
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_RESOURCE)
    if place is None:
        return None
    root, offset = place.VirtualAddress, 0
    for wanted in (RT_VERSION, None, None):  # type, name, language
        found = _entry(image, root, offset, wanted)
        if found is None:
            return None
        if not found & 0x80000000:
            offset = found
            break
        offset = found & 0x7FFFFFFF
    else:
        raise FormatError(
            "IMAGE_RESOURCE_DIRECTORY", "expected data below the language; found a directory", root + offset
        )
    data = wire.IMAGE_RESOURCE_DATA_ENTRY.read(image.part(root + offset, 16, "IMAGE_RESOURCE_DATA_ENTRY"))
    return decode_version(image.part(data.OffsetToData, min(data.Size, _MAX_RESOURCE), "VS_VERSIONINFO"))


def decode_version(window: Window) -> Version:
    """A VS_VERSIONINFO block. Raises `FormatError`; strings cut short are left out."""
    key, value, children, end = _block(window, 0, window.size)
    if key != "VS_VERSION_INFO":
        raise FormatError("VS_VERSIONINFO.szKey", f"expected VS_VERSION_INFO; found {key[:40]!r}", window.start)
    fixed = wire.VS_FIXEDFILEINFO.read(window, value[0]) if value[1] >= 52 else None
    if fixed is not None and fixed.Signature != VS_FFI_SIGNATURE:
        fixed = None
    strings: dict[str, str] = {}
    with suppress(FormatError):  # the fixed part and the strings before the damage are good
        _strings(window, children, end, strings)
    return Version(fixed, strings)


def _strings(window: Window, start: int, end: int, strings: dict[str, str]) -> None:
    """Down StringFileInfo to the first StringTable; each String is key and value."""
    for name, first, last in _blocks(window, start, end):
        if name == "StringFileInfo":
            for _, table_first, table_last in _blocks(window, first, last):
                at = table_first
                for _ in range(_MAX_BLOCKS):
                    if at >= table_last:
                        break
                    key, (value, size), _, after = _block(window, at, table_last)
                    text = window.read(value, min(size, max(after - value, 0))).decode("utf-16-le", "replace")
                    strings.setdefault(key, text.split("\0", 1)[0])
                    at = after + 3 & ~3
                if strings:
                    return


def _blocks(window: Window, start: int, end: int) -> list[tuple[str, int, int]]:
    """(key, where its children start, where they end) of the blocks in a row."""
    found = []
    for _ in range(_MAX_BLOCKS):
        if start >= end:
            break
        key, _, children, after = _block(window, start, end)
        found.append((key, children, after))
        start = after + 3 & ~3
    return found


def _block(window: Window, start: int, limit: int) -> tuple[str, tuple[int, int], int, int]:
    """Key, (offset, bytes) of the value, start of the children, end of the block; all relative to the window."""
    length, size, kind = window.u16(start), window.u16(start + 2), window.u16(start + 4)
    if length < 8 or start + length > limit:
        problem = f"expected 8 to {limit - start}; found {length}"
        raise FormatError("VS_VERSIONINFO.wLength", problem, window.start + start)
    raw = window.read(start + 6, length - 6)
    stop = next((i for i in range(0, len(raw) - 1, 2) if raw[i] == raw[i + 1] == 0), len(raw))
    value = start + 6 + stop + 2 + 3 & ~3
    if kind == 1:
        size *= 2  # text values count characters
    return raw[:stop].decode("utf-16-le", "replace"), (value, size), value + size + 3 & ~3, start + length


def _entry(image: PeImage, root: int, offset: int, wanted: int | None) -> int | None:
    """OffsetToData of the entry with the id `wanted` (None: of the first entry)."""
    table = wire.IMAGE_RESOURCE_DIRECTORY.read(image.part(root + offset, 16, "IMAGE_RESOURCE_DIRECTORY"))
    count = min(table.NumberOfNamedEntries + table.NumberOfIdEntries, _MAX_ENTRIES)
    part = image.part(root + offset + 16, count * 8, "IMAGE_RESOURCE_DIRECTORY_ENTRY")
    for entry in wire.IMAGE_RESOURCE_DIRECTORY_ENTRY.read_many(part, 0, count):
        if wanted is None or entry.Name == wanted:
            return int(entry.OffsetToData)
    return None
