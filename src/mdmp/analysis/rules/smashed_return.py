"""A return went to a wrong place: the return address on the stack was overwritten."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    facts = case.instruction
    if not case.bad_access or facts is None or not facts.by_return or case.address is None:
        return None
    text = facts.pattern is not None and facts.pattern.kind == "text"
    return Finding(
        kind="smashed-return-address",
        category="memory corruption",
        title="a return address on the stack was overwritten" + (" with text" if text else ""),
        confidence="likely",
        evidence=case.how,
        against=() if text else ("a stack pointer that went wrong has the same effect",),
        advice="the function that returned has a buffer on its stack: check its array and string copies",
    )
