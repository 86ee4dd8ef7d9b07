"""A pointer holds the bytes that allocators put around blocks: it was read from outside of a block."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    pattern = case.pattern
    if not case.bad_access or pattern is None or pattern.kind not in ("guard", "poison"):
        return None
    facts = case.instruction
    value = facts.register_value if facts and facts.register_value is not None else case.address
    guard = pattern.kind == "guard"
    return Finding(
        kind="read-past-block" if guard else "poisoned-pointer",
        category="memory corruption" if guard else "logic error",
        title="a pointer was read from beyond the end of a heap block" if guard else "a poisoned pointer was used",
        confidence="likely" if guard else "possible",
        evidence=(f"the pointer {value or 0:#x} is {pattern.text}", *case.how),
        against=("the same value can be written by chance or on purpose",),
        advice="check the index or the size with which the memory was read" if guard else None,
    )
