"""An integer was divided by zero."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_NAMES = ("FPE_INTDIV", "EXC_I386_DIV")


def find(case: Case) -> Finding | None:
    facts = case.instruction
    divides = facts is not None and facts.instruction is not None and facts.instruction.divisor is not None
    reported = case.reason.code == 0xC0000094 or case.reason.subcode_name in _NAMES
    if case.reason.kind != "arithmetic" or not (reported or divides):
        return None
    zero = facts is not None and (facts.explanation or "").endswith("which is 0")
    return Finding(
        kind="divide-by-zero",
        category="logic error",
        title="integer division by zero" if zero or reported else "integer division failed",
        confidence="certain" if zero or reported else "likely",
        evidence=(case.reason.title, *case.how),
        against=() if zero or not divides else ("the divisor is not 0 now: the quotient may be too large instead",),
        advice="check the divisor before the division",
    )
