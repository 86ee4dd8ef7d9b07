"""Sections of an image file by name; GNU tools give some of them names longer than the header has room for."""

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.wire import IMAGE_SECTION_HEADER

_SYMBOL_SIZE = 18


def file_section(image: PeImage, window: Window, name: str) -> Window | None:
    """The bytes of a section as `window`, the image's file, holds them; None when there is none of that name."""
    for section in image.sections:
        if section_name(image, window, section) == name:
            size = min(section.SizeOfRawData, section.VirtualSize or section.SizeOfRawData)
            return window.sub(section.PointerToRawData, size, name)
    return None


def section_name(image: PeImage, window: Window, section: IMAGE_SECTION_HEADER) -> str:
    """`/123` is a place in the string table that follows the COFF symbols."""
    raw: bytes = section.Name.rstrip(b"\0")
    header = image.file_header
    if raw[:1] == b"/" and raw[1:].isdigit() and header.PointerToSymbolTable:
        strings = header.PointerToSymbolTable + header.NumberOfSymbols * _SYMBOL_SIZE
        try:
            raw = window.cstring(strings + int(raw[1:]), 256, "section name")
        except FormatError:
            return raw.decode("latin-1")
    return raw.decode("utf-8", "replace")
