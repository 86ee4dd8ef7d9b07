"""Bytes as rows of sixteen."""

from collections.abc import Iterator


def rows(raw: bytes, start: int = 0) -> Iterator[str]:
    """`00007ff6`12345678  4d 5a …  MZ…`-like rows without the backtick; the first may begin in the middle."""
    at = 0
    while at < len(raw):
        skip = (start + at) % 16
        part = raw[at : at + 16 - skip]
        cells = ["  "] * skip + [f"{byte:02x}" for byte in part]
        text = " " * skip + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        left, right = " ".join(cells[:8]), " ".join(cells[8:])
        yield f"{start + at - skip:016x}  {left:<23}  {right:<23}  {text}"
        at += len(part)
