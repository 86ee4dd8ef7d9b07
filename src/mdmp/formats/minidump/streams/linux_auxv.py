"""LinuxAuxv (0x47670008): the auxiliary vector, pairs of numbers as wide as a pointer of the process."""

from collections.abc import Iterable
from struct import iter_unpack

from mdmp.binary.window import Window
from mdmp.errors import IssueLog

MAX_KEY = 1 << 16
"""Keys are small (AT_SYSINFO_EHDR is 33): read at the wrong width they are not."""


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[tuple[int, int], ...]:
    """(AT_* key, value) up to AT_NULL, which is left out."""
    raw = stream.tobytes()[: 1 << 16]
    wide = _pairs(raw, "<QQ", 16)
    return wide if all(key < MAX_KEY for key, _ in wide) else _pairs(raw, "<II", 8)


def _pairs(raw: bytes, layout: str, size: int) -> tuple[tuple[int, int], ...]:
    pairs = []
    for key, value in iter_unpack(layout, raw[: len(raw) // size * size]):
        if key == 0:
            break
        pairs.append((key, value))
    return tuple(pairs)


def encode(pairs: Iterable[tuple[int, int]], word: int) -> bytes:
    """`word`: bytes of a pointer of the process. AT_NULL is put behind."""
    mask = (1 << 8 * word) - 1
    return b"".join((number & mask).to_bytes(word, "little") for pair in (*pairs, (0, 0)) for number in pair)
