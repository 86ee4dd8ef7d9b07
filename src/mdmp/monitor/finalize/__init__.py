"""What happens around a dump file: its folder and name, old ones removed, the log entry, the notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.keeper import Outcome


def finalize(outcome: Outcome, report: Callable[[str], str] | None) -> Outcome:
    """After a dump was written, or not: rotation, log, notice, report. The outcome with what it did in `notes`."""
    return outcome
