"""The export table: names, ordinals, forwarders."""

from typing import NamedTuple

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.image import read_text

MAX_EXPORTS = 0x10000
"""Ordinals are 16-bit numbers."""
_MAX_TEXT = 1 << 24


class Export(NamedTuple):
    ordinal: int
    name: str | None
    """None: exported by ordinal only."""
    rva: int
    forwarder: str | None
    """`NTDLL.RtlAllocateHeap` when another module answers for it; `rva` is then no code."""


def read_exports(image: PeImage) -> tuple[Export, ...]:
    """All exports in order of ordinal, then name; empty when there are none.

    Raises `FormatError` or `MemoryUnavailable` when the table cannot be read; a name that cannot be read is None.
    """
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_EXPORT)
    if place is None:
        return ()
    table = wire.IMAGE_EXPORT_DIRECTORY.read(image.part(place.VirtualAddress, 40, "IMAGE_EXPORT_DIRECTORY"))
    for field, count in (("Functions", table.NumberOfFunctions), ("Names", table.NumberOfNames)):
        if count > MAX_EXPORTS:
            raise FormatError(
                f"IMAGE_EXPORT_DIRECTORY.NumberOf{field}",
                f"expected <= {MAX_EXPORTS}; found {count}",
                place.VirtualAddress,
            )
    text = _Text(image, place.VirtualAddress, place.Size)
    functions = _u32s(image, table.AddressOfFunctions, table.NumberOfFunctions)
    pointers = _u32s(image, table.AddressOfNames, table.NumberOfNames)
    indexes = (
        memoryview(image.read(table.AddressOfNameOrdinals, table.NumberOfNames * 2)) if pointers else memoryview(b"")
    )
    names: dict[int, list[str]] = {}
    for i, pointer in enumerate(pointers):
        name = text.at(pointer)
        if name:
            names.setdefault(indexes[2 * i] | indexes[2 * i + 1] << 8, []).append(name)
    found: list[Export] = []
    first, last = place.VirtualAddress, place.VirtualAddress + place.Size
    for index, rva in enumerate(functions):
        if rva:
            forwarder = text.at(rva) if first <= rva < last else None
            known: list[str | None] = sorted(names.get(index, ())) or [None]  # type: ignore[assignment]
            found.extend(Export(table.Base + index, name, rva, forwarder) for name in known)
    return tuple(found)


class _Text:
    """Names, mostly inside the export directory, which is read in one go; there is an end to their total length."""

    def __init__(self, image: PeImage, rva: int, size: int) -> None:
        self._image = image
        self._rva = rva
        self._left = _MAX_TEXT
        try:
            self._block = image.read(rva, min(size, _MAX_TEXT))
        except (FormatError, MemoryUnavailable):
            self._block = b""

    def at(self, rva: int) -> str | None:
        start = rva - self._rva
        if self._left <= 0:
            return None
        if 0 <= start < len(self._block):
            end = self._block.find(b"\0", start, start + 4096)
            raw = self._block[start : end if end >= 0 else start + 4096]
        else:
            try:
                raw = read_text(self._image, rva)
            except (FormatError, MemoryUnavailable):
                return None
        self._left -= len(raw)
        return raw.decode("utf-8", "replace")


def _u32s(image: PeImage, rva: int, count: int) -> tuple[int, ...]:
    raw = image.read(rva, count * 4) if count else b""
    return tuple(int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw), 4))
