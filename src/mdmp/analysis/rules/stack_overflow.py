"""The stack was used up."""

from collections import Counter

from mdmp.analysis.names import plain_name
from mdmp.analysis.rules.case import Case
from mdmp.analysis.system_facts import stack_limit
from mdmp.analysis.whereabouts import stack_bounds
from mdmp.arch import CPUS
from mdmp.report import Finding

_NEAR = 0x10000


def find(case: Case) -> Finding | None:
    evidence = list(_evidence(case))
    if not evidence:
        return None
    name, count = _recursion(case)
    if count >= 3:
        evidence.append(f"{name} is on the stack {count} times")
    return Finding(
        kind="stack-overflow",
        category="resource",
        title=f"stack overflow by endless recursion in {name}" if count >= 10 else "stack overflow",
        confidence="certain" if case.reason.kind == "stack-overflow" else "likely",
        evidence=tuple(evidence),
        against=() if count >= 3 or not case.stack else ("no function repeats in the frames that could be walked",),
        advice="look for a recursion without end, or for very large local variables",
    )


def _evidence(case: Case) -> list[str]:
    if case.reason.kind == "stack-overflow":
        return ["the system reports a stack overflow"]
    context = case.instruction and case.thread
    cpu = CPUS.get(case.snapshot.system.cpu)
    frame = case.stack.frames[0] if case.stack and case.stack.frames else None
    if not case.bad_access or case.executes or not context or cpu is None or frame is None or case.address is None:
        return []
    sp = frame.stack_pointer
    if sp is None or not -_NEAR <= case.address - sp < 0x1000:
        return []
    bounds = stack_bounds(case.snapshot, sp)
    if bounds is not None and bounds[0] <= case.address < bounds[1]:
        return []  # the stack is there: something else is wrong
    below = bounds is None or sp - bounds[0] < 0x2000
    region = case.snapshot.region_at(case.address)
    if not below and (region is None or not region.guard):
        return []
    found = [f"the address {case.address:#x} is next to the stack pointer {sp:#x}"]
    if region is not None and region.guard:
        found.append("it lies in a guard page")
    if bounds is not None:
        found.append(f"the stack's memory begins at {bounds[0]:#x}")
    limit = stack_limit(case.snapshot)
    if limit and bounds is not None and limit - _NEAR <= bounds[1] - bounds[0]:
        found.append(f"it has {bounds[1] - bounds[0]:,} bytes, and {limit:,} is its limit (ulimit -s)")
    return found


def _recursion(case: Case) -> tuple[str, int]:
    names = Counter(plain_name(f.function) for f in (case.stack.frames if case.stack else ()) if f.function)
    return names.most_common(1)[0] if names else ("", 0)
