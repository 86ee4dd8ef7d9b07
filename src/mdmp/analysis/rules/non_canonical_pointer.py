"""A pointer that cannot be one was used on amd64."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_EXPLAINED = ("null", "freed", "uninitialized", "guard", "poison", "text")


def find(case: Case) -> Finding | None:
    if not case.bad_access or case.snapshot.system.cpu != "amd64":
        return None
    if case.instruction is not None and case.instruction.by_return:
        return None  # a finding of its own
    pattern = case.pattern
    if pattern is not None and pattern.kind in _EXPLAINED:
        return None
    facts = case.instruction
    recovered = facts is not None and facts.fault_address is not None
    unreported = case.reason.address == 0xFFFFFFFFFFFFFFFF or case.reason.subcode_name in (
        "SI_KERNEL",
        "EXC_I386_GPFLT",
    )
    impossible = pattern is not None and pattern.kind == "non-canonical"
    if not unreported and not impossible:
        return None
    evidence = list(case.how)
    if unreported:
        evidence.insert(0, "the system could not tell the address, as for addresses that the processor cannot form")
    against = []
    if not recovered and not impossible:
        against.append("no operand of the instruction has such an address; a misaligned vector access does the same")
    return Finding(
        kind="non-canonical-pointer",
        category="memory corruption",
        title="use of a pointer whose upper bits are impossible",
        confidence="likely" if impossible or recovered else "possible",
        evidence=tuple(evidence),
        against=tuple(against),
        advice="the pointer was overwritten or was never one: look at where the register was loaded from",
    )
