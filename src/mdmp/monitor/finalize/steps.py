"""All that is to be done once a dump is written, or is not: each step for itself."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.errors import MdmpError
from mdmp.monitor.finalize.event_log import log_outcome
from mdmp.monitor.finalize.notice import notify_desktop, notify_terminal
from mdmp.monitor.finalize.rotate import remove_reports, rotate
from mdmp.monitor.finalize.webhook import post

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.keeper import Outcome

_MAX_NAMED = 3


def finalize(outcome: Outcome, report: Callable[[str], str] | None, terminal: int | None = None) -> Outcome:
    """After a dump was written, or not: rotation, log, notice, webhook, report; no step stops another.

    `terminal`: of the process, open for writing. The outcome with what was done, and what went wrong, in `notes`.
    """
    settings = outcome.decision.settings
    steps: list[Callable[[], list[str] | None]] = []
    if outcome.saved:
        steps.append(lambda: _rotate(outcome))
    if settings.log:
        steps.append(lambda: log_outcome(outcome))
    if "terminal" in settings.notice:
        steps.append(lambda: notify_terminal(outcome, terminal))
    if "desktop" in settings.notice:
        steps.append(lambda: notify_desktop(outcome))
    if url := settings.webhook:
        steps.append(lambda: post(url, outcome))
    if report and outcome.saved:
        steps.append(lambda: _report(outcome, report))
    notes = list(outcome.notes)
    for step in steps:
        try:
            notes += step() or ()
        except (MdmpError, OSError) as problem:
            notes.append(str(problem))
        except Exception as problem:  # noqa: BLE001 - the dump is there: a bug in one step shall not cost the others
            notes.append(f"a bug in mdmp: {type(problem).__name__}: {problem}")
    return replace(outcome, notes=tuple(notes))


def _rotate(outcome: Outcome) -> list[str]:
    if not outcome.saved:
        return []
    try:
        owner = os.lstat(outcome.saved.path).st_uid
    except FileNotFoundError:  # the dumps of others at the same moment are newer, and it was one too many
        return ["the dump has made room for newer ones already"]
    removed, notes = rotate(os.path.dirname(outcome.saved.path), outcome.decision.settings, owner)
    if removed:
        more = f" and {len(removed) - _MAX_NAMED} more" if len(removed) > _MAX_NAMED else ""
        notes.insert(0, f"old dumps removed: {', '.join(removed[:_MAX_NAMED])}{more}")
    return notes


def _report(outcome: Outcome, report: Callable[[str], str]) -> list[str]:
    if not outcome.saved:
        return []
    written = report(outcome.saved.path)
    if not os.path.lexists(outcome.saved.path):  # another process has removed it meanwhile, and found no report yet
        return remove_reports(outcome.saved.path)
    return [f"report: {written}"]
