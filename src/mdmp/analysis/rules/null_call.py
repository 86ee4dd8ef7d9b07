"""A null function pointer was called."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    pattern = case.pattern
    if not case.executes or pattern is None or pattern.kind != "null":
        return None
    return Finding(
        kind="null-call",
        category="pointer misuse",
        title="call through a null function pointer",
        confidence="certain" if pattern.offset == 0 else "likely",
        evidence=(f"the program counter is {case.reason.address or 0:#x}", *case.how),
        advice="look at the caller: a call-back that was not set, a function not found by GetProcAddress or dlsym, "
        "or a virtual call on an object whose memory was cleared",
    )
