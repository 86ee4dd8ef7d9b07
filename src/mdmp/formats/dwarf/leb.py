"""LEB128 numbers and NUL-ended strings in plain bytes.

The buffers given here end in `PAD` zero bytes beyond their true end, so that a number cut off there ends instead of
running out; callers compare the position that comes back with the true end.
"""

from mdmp.errors import FormatError

PAD = bytes(24)
MAX_BITS = 63
"""Ten bytes: a 64-bit number, with the padding that some assemblers write."""


def uleb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number and the position after it."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > MAX_BITS:
            raise FormatError("LEB128", "expected at most 10 bytes for a number; found more", at)


def sleb(data: bytes, at: int) -> tuple[int, int]:
    """A signed number and the position after it."""
    start = at
    value, at = uleb(data, at)
    bits = 7 * (at - start)
    return (value - (1 << bits) if value >> (bits - 1) & 1 else value), at


def cstring(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes up to a NUL and the position after it (the padding holds a NUL)."""
    end = data.index(b"\0", at)
    return data[at:end], end + 1
