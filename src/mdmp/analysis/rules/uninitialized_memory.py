"""A pointer that was never set was used."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    pattern = case.pattern
    if not case.bad_access or pattern is None or pattern.kind != "uninitialized":
        return None
    facts = case.instruction
    value = facts.register_value if facts and facts.register_value is not None else case.address
    return Finding(
        kind="uninitialized-memory",
        category="logic error",
        title="use of a pointer that was never set",
        confidence="likely",
        evidence=(f"the pointer {value or 0:#x} is the fill of {pattern.text}", *case.how),
        against=("the same value can be written by chance or on purpose",),
        advice="find the variable or field that this pointer was read from, and set it before use",
    )
