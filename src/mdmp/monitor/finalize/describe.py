"""What became of a fault, in one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text

if TYPE_CHECKING:
    from mdmp.monitor.keeper import Outcome

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def describe(outcome: Outcome) -> str:
    """`shop (pid 123): SIGSEGV at 0x18 in thread 123; dump /…/shop.123.20260102T030405Z.dmp (1.2 MB)`

    Whatever the program chose to call itself, the line holds no control characters.
    """
    fault = outcome.fault
    if outcome.saved:
        end = f"dump {outcome.saved.path} ({size_text(outcome.saved.size)})"
    elif outcome.problem:
        end = f"no dump: {outcome.problem}"
    else:
        end = f"no dump: {'; '.join(outcome.decision.reasons) or 'the policy wants none'}"
    return safe_text(f"{fault.subject.name or 'process'} (pid {fault.subject.pid}): {fault.text}; {end}")


def size_text(size: float) -> str:
    """`1.2 MB`; a KB is 1024 bytes."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
