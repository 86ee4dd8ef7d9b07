"""A null pointer was used."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    pattern = case.pattern
    if not case.bad_access or case.executes or pattern is None or pattern.kind != "null" or case.address is None:
        return None
    facts = case.instruction
    exact = facts is not None and facts.register_value == 0
    against = []
    if not exact and facts is not None and facts.register_value:
        against.append(
            f"{facts.register} is {facts.register_value:#x} rather than null: an offset was added to null before, or a "
            "small number was taken for a pointer"
        )
    if facts is not None and facts.instruction is not None and facts.fault is None:
        against.append("no operand of the instruction leads to the reported address")
    offset = pattern.offset if not exact else case.address
    field = f" (a field at offset {offset:#x})" if 0 < offset < 0x1000 else ""
    verb = {"read": "read", "write": "write"}.get(case.reason.access or "", "access")
    return Finding(
        kind="null-dereference",
        category="pointer misuse",
        title=f"{verb} through a null pointer{field}",
        confidence="certain" if exact else "likely",
        evidence=(f"the address {case.address:#x} lies in the first 64 KiB, which are never mapped", *case.how),
        against=tuple(against),
        advice="find out why the pointer is null here: a failed allocation or look-up, a missing check, an early use",
    )
