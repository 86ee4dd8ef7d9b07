"""The processor was sent to a place that holds no code."""

from mdmp.analysis.rules.case import Case
from mdmp.analysis.whereabouts import whereabouts
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if case.instruction is not None and case.instruction.by_return:
        return None  # a finding of its own
    pattern = case.pattern
    if not case.executes or case.address is None or (pattern is not None and pattern.kind == "null"):
        return None
    address = case.address
    evidence = [f"the program counter is {address:#x}"]
    if pattern is not None:
        evidence.append(f"{address:#x} is {pattern.text}")
    elif where := whereabouts(case.snapshot, address):
        evidence.append(f"{address:#x} lies {where}")
    evidence += case.how
    gone = case.snapshot.unloaded_at(address)
    if gone:
        return None  # a finding of its own
    against = []
    if case.snapshot.module_at(address) is not None:
        against.append("the address lies in a module: a pointer to data may have been called as a function")
    return Finding(
        kind="wild-jump",
        category="memory corruption",
        title=f"jump to {address:#x}, which is no code",
        confidence="likely",
        evidence=tuple(evidence),
        against=tuple(against),
        advice="a function pointer, a virtual function table or a return address was overwritten, or the object was "
        "already destroyed; look at the caller on the stack",
    )
