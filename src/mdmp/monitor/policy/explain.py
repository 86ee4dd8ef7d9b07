"""What would happen, and why: every value that applies to a program, who said it, and what it overrides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmp.monitor.policy.decide import decide
from mdmp.monitor.policy.policy import BUILT_IN, Policy, Said
from mdmp.monitor.policy.values import KEYS

if TYPE_CHECKING:
    from mdmp.monitor.fault import Fault
    from mdmp.monitor.policy.settings import Circumstances, Decision


@dataclass(frozen=True, slots=True)
class Explained:
    """One field of `Settings`, or one rule, for one program."""

    key: str
    value: object
    by: str
    overrode: tuple[Said, ...]
    """What others say, latest first."""


@dataclass(frozen=True, slots=True)
class Explanation:
    program: str
    decision: Decision
    values: tuple[Explained, ...]
    warnings: tuple[str, ...]


def explain(policy: Policy, fault: Fault, circumstances: Circumstances | None = None) -> Explanation:
    program = fault.subject.name
    decision = decide(policy, fault, circumstances)
    return Explanation(
        program, decision, explained(policy, program), (*map(str, policy.issues), *traps(policy, program))
    )


def explained(policy: Policy, program: str) -> tuple[Explained, ...]:
    settings, _ = policy.settings_for(program)
    found = []
    for key, said in policy.said(program).items():
        found.append(Explained(key, said[-1].value, said[-1].by, said[-2::-1]))
    known = {one.key for one in found}
    rest = (key for key in KEYS if key not in known and not key.startswith("rules."))
    found += [Explained(key, getattr(settings, key), BUILT_IN, ()) for key in rest]
    order = list(KEYS)
    return tuple(sorted(found, key=lambda one: order.index(one.key)))


def traps(policy: Policy, program: str) -> tuple[str, ...]:
    """What a policy says that is hardly meant."""
    settings, by = policy.settings_for(program)
    said = policy.said(program)
    found: list[str] = []
    if "custom_flags" in by and settings.type != "custom" and "custom" not in settings.rules.values():
        found.append(f"custom_flags has no effect ({by['custom_flags']}): the type is {settings.type}")
    own = any(", for " in one.by for values in said.values() for one in values)
    if own and settings.count == 0 and ", for " not in by.get("count", ""):
        found.append(f"{program} has values of its own and yet gets no dumps: it inherits count 0 ({by['count']})")
    if settings.type == "full" and settings.budget is None and settings.max_total is None:
        found.append(
            f"full dumps without budget or max_total ({by.get('type', BUILT_IN)}): {settings.count} of them may take "
            "much of the disk, and they hold passwords and keys"
        )
    if settings.budget and settings.max_total and settings.budget > settings.max_total:
        found.append(f"budget ({by['budget']}) is over max_total ({by['max_total']}), which wins")
    for key, values in said.items():
        general = said.get("type", (Said(None, "", 0),))[-1]
        if key.startswith("rules.") and values[-1].by != BUILT_IN and general.rank > values[-1].rank:
            found.append(
                f"{key} = {values[-1].value} ({values[-1].by}) has no effect: type = {general.value} wins over it "
                f"({general.by})"
            )
    return tuple(found)
