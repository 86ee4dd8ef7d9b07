"""A portable PDB inside its image: the data of debug directory entry 17 (PE/COFF specification of dotnet/runtime)."""

import zlib

from mdmp.binary.window import Window
from mdmp.errors import FormatError

_MAGIC = b"MPDB"
_MAX_SIZE = 1 << 28
_MAX_RATIO = 1032
"""Deflate cannot do better."""


def unpack_embedded(raw: bytes) -> Window:
    """The portable PDB. Raises `FormatError` when it is none, or not as long as it says."""
    window = Window(raw, "embedded portable PDB")
    if window.read(0, 4, "signature") != _MAGIC:
        raise FormatError(f"{window.name}.signature", f"expected {_MAGIC!r}; found {raw[:4]!r}", 0)
    size = window.u32(4, "size")
    limit = min(_MAX_SIZE, _MAX_RATIO * (len(raw) - 8))
    if size > limit:
        raise FormatError(f"{window.name}.size", f"expected at most {limit:#x}; found {size:#x}", 4)
    return Window(inflate(raw[8:], size, window.name), window.name)


def inflate(packed: bytes, size: int, what: str) -> bytes:
    """Exactly `size` bytes out of a raw deflate stream, never more in memory. Raises `FormatError`."""
    if size == 0:
        return b""  # 0 means "no limit" to zlib
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size)
    except zlib.error as problem:
        raise FormatError(what, f"expected deflated data; found {problem}") from None
    if len(data) != size:
        raise FormatError(what, f"expected {size:#x} bytes; found {len(data):#x}")
    return data
