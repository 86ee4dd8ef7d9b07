"""What a process does about signals, from /proc/PID/status."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mdmp.platforms.signals import signal_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def has(status: Mapping[str, str], field: str, number: int) -> bool:
    """Whether a signal is in a set such as SigCgt (has a handler), SigIgn, SigPnd or ShdPnd (pending)."""
    try:
        return bool(int(status.get(field, "0"), 16) >> (number - 1) & 1)
    except ValueError:
        return False


def is_deadly(status: Mapping[str, str], number: int) -> bool:
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
