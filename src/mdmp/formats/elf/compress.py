"""Sections stored compressed, and the small ELF of `.gnu_debugdata`. What comes out is bounded."""

import zlib
from importlib import import_module
from typing import Any

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.elf import structs as wire

MAX_RATIO = 64
"""Debug information shrinks to a half or a quarter; a section that claims to be 64 times its bytes is a bomb."""
FREE_SIZE = 1 << 24
"""Bytes: up to this size any ratio is allowed."""


def decompress(window: Window, name: str, flags: int, bits: int) -> Window:
    """The section as it was before compression (`SHF_COMPRESSED` or `.zdebug_*`); others as they are.

    Raises `FormatError` for damaged data, unknown methods and sizes beyond `MAX_RATIO`.
    """
    if flags & wire.SHF_COMPRESSED:
        kind = wire.Elf64_Chdr if bits == 64 else wire.Elf32_Chdr
        head = kind.read(window)
        method, size, start = head.ch_type, head.ch_size, kind.SIZE
    elif name.startswith(".zdebug") and window.size >= 12 and window.read(0, 4) == b"ZLIB":
        method, size, start = wire.ELFCOMPRESS_ZLIB, int.from_bytes(window.read(4, 8), "big"), 12
    else:
        return window
    packed = window.read(start, window.size - start)
    _check_size(name, size, len(packed))
    if method == wire.ELFCOMPRESS_ZLIB:
        found = _inflate(name, packed, size)
    elif method == wire.ELFCOMPRESS_ZSTD:
        found = _zstd(name, packed, size)
    else:
        raise FormatError(name, f"compressed by method {method}, which is not known")
    if len(found) != size:
        raise FormatError(name, f"expected {size} bytes out of the compressed section; found {len(found)}")
    return Window(found, name)


def _check_size(name: str, size: int, packed: int) -> None:
    if size > max(FREE_SIZE, MAX_RATIO * packed):
        raise FormatError(name, f"{packed} compressed bytes claim to be {size}, more than is believed")


def _inflate(name: str, packed: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, size or 1)
    except zlib.error as problem:
        raise FormatError(name, f"the compressed section is damaged: {problem}") from None


def _zstd(name: str, packed: bytes, size: int) -> bytes:
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError:
        raise FormatError(name, "compressed with zstd, which Python reads from version 3.14 on") from None
    try:
        return bytes(zstd.ZstdDecompressor().decompress(packed, size))
    except zstd.ZstdError as problem:
        raise FormatError(name, f"the compressed section is damaged: {problem}") from None


def unpack_xz(window: Window, name: str) -> Window:
    """The content of an .xz section, whose size is not told beforehand."""
    import lzma

    limit = max(FREE_SIZE, MAX_RATIO * window.size)
    try:
        found = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28).decompress(window.tobytes(), limit)
    except lzma.LZMAError as problem:
        raise FormatError(name, f"the compressed section is damaged: {problem}") from None
    _check_size(name, len(found) + 1, window.size)
    return Window(found, name)
