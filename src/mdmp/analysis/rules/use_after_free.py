"""A pointer came out of memory that had been freed."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    pattern = case.pattern
    freed = case.bad_access and pattern is not None and pattern.kind == "freed"
    sanitizer = case.reason.code in (0xE073616E, 0xE073616F)
    if sanitizer or not freed or pattern is None:
        return None
    facts = case.instruction
    value = facts.register_value if facts and facts.register_value is not None else case.address
    return Finding(
        kind="use-after-free",
        category="memory corruption",
        title="use of memory after it was freed",
        confidence="likely",
        evidence=(f"the pointer {value or 0:#x} is the fill of {pattern.text}", *case.how),
        against=("the same value can be written by chance or on purpose",),
        advice="the object that held this pointer was already destroyed: find who freed it (page heap, Application "
        "Verifier or AddressSanitizer tell)",
    )
