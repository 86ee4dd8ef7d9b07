"""What a process does about signals, from the text of /proc/PID/status."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mdmp.platforms.signals import signal_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def has(status: bytes, field: str, number: int) -> bool:
    """Whether a signal is in a set such as SigCgt (has a handler), SigIgn, SigPnd or ShdPnd (pending)."""
    at = status.find(f"\n{field}:\t".encode())
    mask = status[at + len(field) + 3 :].partition(b"\n")[0] if at >= 0 else b"0"
    return bool(int(mask, 16) >> (number - 1) & 1)


def is_deadly(status: bytes, number: int) -> bool:
    """Nothing was said about the signal. For a fault that was blocked or ignored the kernel has made it so already."""
    return not has(status, "SigCgt", number) and not has(status, "SigIgn", number)


def matches(number: int, filters: Iterable[str]) -> bool:
    """`11`, `0xb`, `SIGSEGV`, `segv`, `*SEGV*`"""
    name = signal_name(number) or ""
    plain = name.removeprefix("SIG")
    for text in filters:
        wanted = text.upper()
        if wanted in (str(number), f"{number:#x}".upper()) or any(fnmatchcase(n, wanted) for n in (name, plain) if n):
            return True
    return False
