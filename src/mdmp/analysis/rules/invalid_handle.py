"""A handle that is none was used while a debugger or verifier was watching."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if case.reason.code != 0xC0000008:
        return None
    return Finding(
        kind="invalid-handle",
        category="logic error",
        title="an invalid handle was used or closed",
        confidence="certain",
        evidence=(case.reason.title,),
        advice="a handle was closed twice, or used after it was closed",
    )
