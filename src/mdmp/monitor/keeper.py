"""Who is given faults, and keeps dumps of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from mdmp.capture.options import CaptureOptions
    from mdmp.dumpfile.save import Saved
    from mdmp.monitor.fault import Fault
    from mdmp.monitor.policy.policy import Policy
    from mdmp.monitor.policy.settings import Decision
    from mdmp.snapshot import Snapshot

    Capture = Callable[[CaptureOptions], AbstractContextManager[Snapshot]]
    """What gives the snapshot of the process that has stopped, when the policy wants one."""
    Write = Callable[[int, int], None]
    """What fills an open file, by its number, with a minidump of the process, by MINIDUMP_TYPE bits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault."""

    fault: Fault
    decision: Decision
    saved: Saved | None = None
    """The dump; None: there is none."""
    problem: str | None = None
    """Why there is none although the policy wanted one."""
    notes: tuple[str, ...] = ()
    """What else went wrong or was done: old dumps removed, a log that could not be written."""


class Keeper:
    def __init__(
        self,
        policy: Policy,
        *,
        report: Callable[[str], str] | None = None,
        tell: Callable[[Outcome], None] | None = None,
    ) -> None:
        """`report` writes a report beside the dump of that path, and returns its path. `tell` hears of each outcome."""
        self._policy = policy
        self._report = report
        self._tell = tell

    def keep(self, fault: Fault, capture: Capture, write: Write | None = None) -> Outcome:
        """Never raises for what can go wrong with one dump: the program, and others like it, go on.

        `write`: somebody else writes the dump (Windows' own writer); then nothing is captured.
        """
        from mdmp.monitor.one_fault import outcome_of

        outcome = outcome_of(fault, self._policy, capture, write, self._report)
        if self._tell:
            self._tell(outcome)
        return outcome
