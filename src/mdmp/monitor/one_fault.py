"""One fault -> decision -> capture -> dump -> finalized. The same for every trigger on every system.

It takes many modules, and most programs never crash: `Keeper` imports this when it is needed.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.capture.options import CaptureOptions
from mdmp.dumpfile.part_file import PartFile
from mdmp.dumpfile.save_chosen import flags_of, save_chosen
from mdmp.dumpfile.save_foreign import save_foreign
from mdmp.errors import MdmpError, SaveError
from mdmp.monitor.finalize.folder import make_folder
from mdmp.monitor.finalize.name import dump_paths, template_problem
from mdmp.monitor.finalize.notice import terminal_of
from mdmp.monitor.finalize.steps import finalize
from mdmp.monitor.keeper import Outcome
from mdmp.monitor.policy.decide import decide
from mdmp.monitor.policy.history import record
from mdmp.snapshot.dump_type import DUMP_TYPES, TELLS_SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mdmp.dumpfile.save import Saved
    from mdmp.monitor.fault import Fault
    from mdmp.monitor.keeper import Capture, Write
    from mdmp.monitor.policy.policy import Policy
    from mdmp.monitor.policy.settings import Decision
    from mdmp.snapshot import Snapshot


def outcome_of(
    fault: Fault, policy: Policy, capture: Capture, write: Write | None, report: Callable[[str], str] | None
) -> Outcome:
    """As `Keeper.keep` says."""
    decision = decide(policy, fault)
    outcome = Outcome(fault, decision)
    with terminal_of(fault, decision.settings.notice) as terminal:
        if decision.kind is not None:
            try:
                doubt = make_folder(decision.folder, strict=fault.how == "postmortem")
                notes = (doubt, template_problem(decision.settings.name))
                outcome = replace(outcome, notes=tuple(note for note in notes if note))
                outcome = replace(outcome, saved=_save(fault, decision, decision.kind, capture, write))
                record(decision.folder, fault)
            except (MdmpError, OSError) as problem:
                outcome = replace(outcome, problem=str(problem))
        return finalize(outcome, report if decision.settings.report else None, terminal)


def _save(fault: Fault, decision: Decision, kind: str | int, capture: Capture, write: Write | None) -> Saved:
    if write:
        flags = flags_of(kind, decision.settings.scrub_stacks)
        return save_foreign(_part(fault, decision, None), lambda file: write(file, flags))
    secrets = bool((DUMP_TYPES[kind] if isinstance(kind, str) else kind) & TELLS_SECRETS)
    with ExitStack() as held:
        snapshot = held.enter_context(capture(CaptureOptions(command_line=secrets, environment=secrets)))
        return save_chosen(
            _with_decision(snapshot, fault, decision),
            _part(fault, decision, snapshot.origin.time),
            kind=kind,
            budget=decision.budget,
            scrub_stacks=decision.settings.scrub_stacks,
            when_read=held.close,
        )


def _part(fault: Fault, decision: Decision, when: datetime | None) -> PartFile:
    """The dump's file, with the first name that no file has."""
    paths = dump_paths(decision.folder, decision.settings.name, fault, when)
    path = next(paths, None)
    if path is None:
        raise SaveError(f"no name is free in {decision.folder}")
    return PartFile(path, replace=False, others=paths)


def _with_decision(snapshot: Snapshot, fault: Fault, decision: Decision) -> Snapshot:
    """The dump tells why it is there."""
    facts = {"mdmp.fault": fault.kind, "mdmp.fault.text": fault.text, "mdmp.trigger": fault.how}
    facts |= {f"mdmp.message[{index}]": message for index, message in enumerate(fault.messages)}
    facts |= {f"mdmp.decision[{index}]": reason for index, reason in enumerate(decision.reasons)}
    annotations = snapshot.annotations
    comment = f"{fault.text}; kept because: {'; '.join(decision.reasons)}"
    return replace(
        snapshot,
        annotations=replace(
            annotations, process={**annotations.process, **facts}, comments=(comment, *annotations.comments)
        ),
    )
