"""How a process was read, in words, for `Origin.method` and for the dump's comment."""

from datetime import timedelta

COPIED = "read from a copy of its memory while it went on"
FROZEN = "read while it stood still"


def method(held: timedelta | None) -> str:
    """`held`: as in `Origin`."""
    return FROZEN if held is None else COPIED


def comment(held: timedelta | None) -> str:
    if held is None:
        return f"captured live, {FROZEN}"
    return f"captured live, {COPIED}; it stood still for {held.total_seconds() * 1000:.1f} ms"
