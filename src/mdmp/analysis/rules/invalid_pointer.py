"""A pointer that leads nowhere, when nothing more can be said about it."""

from mdmp.analysis.rules.case import Case
from mdmp.analysis.whereabouts import whereabouts
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if not case.bad_access or case.address is None:
        return None
    evidence = list(case.how)
    if case.pattern is not None:
        evidence.append(f"{case.address:#x} is {case.pattern.text}")
    elif where := whereabouts(case.snapshot, case.address):
        evidence.append(f"{case.address:#x} lies {where}")
    else:
        evidence.append(f"nothing is known to be at {case.address:#x}")
    return Finding(
        kind="invalid-pointer",
        category="pointer misuse",
        title=f"{case.reason.access or 'access'} through a pointer that leads nowhere",
        confidence="possible",
        evidence=tuple(evidence),
        against=("the value of the pointer does not show where it comes from",),
        advice="a pointer that was freed, overwritten or computed wrongly: follow where it was loaded from",
    )
