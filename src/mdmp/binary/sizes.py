"""Sizes in bytes as people write and read them; units are of 1024."""

import re

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(?:i?b)?|b)?", re.IGNORECASE)
SHIFTS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
"""Letter of a unit -> its power of two."""


def parse_size(text: str) -> int:
    """`500`, `500M`, `1.5 GiB`; raises `ValueError`."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not a size: {text!r}")
    return int(float(match[1]) * (1 << SHIFTS[(match[2] or "").lower()]))


def size_text(size: float) -> str:
    """`88.0 KiB`"""
    if size < 1024:
        return f"{size:.0f} bytes"
    units = ["TiB", "GiB", "MiB", "KiB"]
    while (size := size / 1024) >= 1023.95 and len(units) > 1:  # shown as 1024.0
        units.pop()
    return f"{size:.1f} {units[-1]}"
