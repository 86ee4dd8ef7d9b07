"""Policy, fault, circumstances -> decision."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.finalize.folder import default_folder
from mdmp.monitor.policy.history import count_of
from mdmp.monitor.policy.policy import BUILT_IN, Policy, Said
from mdmp.monitor.policy.settings import Circumstances, Decision, Settings
from mdmp.monitor.policy.values import shown_size
from mdmp.monitor.policy.variables import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_ROOM = 1 << 20
"""Bytes without which not even a `mini` dump is begun."""
MINI_ROOM = 32 << 20
"""Bytes under which a dump with more than stacks is not worth its while."""
LEAST_FREE = 16
"""The part of `min_free` (a sixteenth) that `mini` dumps leave, too: they are small, and better than none."""
UNKNOWN_MEMORY = 4 << 30
"""What a process is taken to use that nobody measured."""


def decide(policy: Policy, fault: Fault, circumstances: Circumstances | None = None) -> Decision:
    """What to keep of a fault, where, and why. `circumstances`: looked up when not given."""
    program = fault.subject.name
    said = {key: values[-1] for key, values in policy.said(program).items()}
    settings, _ = policy.settings_for(program)
    folder, trouble = dump_folder(policy, settings, fault)
    nothing = Decision(None, settings, folder)

    def by(key: str) -> str:
        return said[key].by if key in said else BUILT_IN

    if not settings.enabled:
        return replace(
            nothing, reasons=(f"no dump: {safe_text(program) or 'this program'} gets none ({by('enabled')})",)
        )
    if settings.count == 0:
        return replace(nothing, reasons=(f"no dump: count is 0 ({by('count')})",))
    type_, reason = _type(settings, fault.kind, said)
    if type_ == "none":
        return replace(nothing, reasons=(f"no dump: {reason}",))
    if circumstances is None:
        circumstances = look_up(folder, fault)
    if settings.repeat and _may_flood(fault, "repeat" in said) and circumstances.repeats >= settings.repeat:
        words = f"{circumstances.repeats} dumps of the same fault within a day, repeat is {settings.repeat}"
        return replace(nothing, reasons=(f"no dump: {words} ({by('repeat')})",))
    reasons = [reason, *trouble]
    budget = settings.budget
    if budget is not None:
        reasons.append(f"budget {shown_size(budget)} ({by('budget')})")
    if settings.max_total is not None and (budget is None or budget > settings.max_total):
        budget = settings.max_total
        reasons.append(f"budget {shown_size(budget)}: max_total ({by('max_total')})")
    free = circumstances.free
    if free is not None:
        words = f"{shown_size(free)} free, min_free is {shown_size(settings.min_free)} ({by('min_free')})"
        least = settings.min_free // LEAST_FREE
        if free - least < SMALLEST_ROOM:
            return replace(nothing, reasons=(f"no dump: {words}",))
        room = free - settings.min_free
        if room < MINI_ROOM:
            room = min(MINI_ROOM, free - least)
            if type_ != "mini":
                type_ = "mini"
                reasons.append(f"type mini instead: {words}")
        if room < (circumstances.memory or UNKNOWN_MEMORY) and (budget is None or budget > room):
            budget = room
            if type_ == "full":
                type_ = "heap"
                reasons.append(f"type heap instead of full, budget {shown_size(room)}: {words}")
            elif type_ != "mini":
                reasons.append(f"budget {shown_size(room)}: {words}")
    kind = settings.custom_flags if type_ == "custom" else type_
    return Decision(kind, settings, folder, budget, tuple(reasons))


def dump_folder(policy: Policy, settings: Settings, fault: Fault) -> tuple[str, tuple[str, ...]]:
    """Where the dump goes, and in words why not where the policy says."""
    trouble: tuple[str, ...] = ()
    if settings.folder:
        try:
            return expand(settings.folder, fault.subject.variables), ()
        except ValueError as problem:
            trouble = (f"the folder {settings.folder} is not used: {problem}",)
    return policy.default_folder or default_folder(fault.subject, system_wide=fault.how == "postmortem"), trouble


def our_folder(policy: Policy) -> str:
    """Where the policy has the dumps of this user's programs, unless it says something else for one of them."""
    settings, _ = policy.settings_for("")
    return dump_folder(policy, settings, Fault("request", Subject(os.getpid()), ""))[0]


def look_up(folder: str, fault: Fault) -> Circumstances:
    """What can be known about the disk, the process, and dumps of the same fault before."""
    memory = _memory(fault.subject.pid) if sys.platform == "linux" else None
    return Circumstances(_free(folder), memory, count_of(folder, fault))


def _type(settings: Settings, kind: str, said: Mapping[str, Said]) -> tuple[str, str]:
    """The type, and why: the rule for the kind, unless the type was said by one who wins over the rule."""
    rule, general = said.get(f"rules.{kind}"), said.get("type")
    if rule and (general is None or rule.rank >= general.rank):
        return str(rule.value), f"type {rule.value} for {kind} ({rule.by})"
    return settings.type, f"type {settings.type} ({general.by if general else BUILT_IN})"


def _may_flood(fault: Fault, was_said: bool) -> bool:
    """It can come again and again by itself. Whoever runs a program under our eyes wants its dump each time, unless
    somebody said otherwise."""
    return fault.is_crash and fault.kind != "exit" and (was_said or fault.how not in ("run", "attach"))


def _free(folder: str) -> int | None:
    """Of the disk that the folder is or will be on."""
    while True:
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            parent = os.path.dirname(folder)
            if parent == folder:
                return None
            folder = parent
        except OSError:
            return None


def _memory(pid: int) -> int | None:
    """What is in memory or swapped out of a process (Linux). What is mapped and was never touched takes no room."""
    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.proc.status import memory_counters

    found = memory_counters(Proc(pid).status())
    return found["working_set"] + found.get("pagefile", 0) if "working_set" in found else None
