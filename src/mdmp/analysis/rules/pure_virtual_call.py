"""A pure virtual function was called."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_HANDLERS = ("_purecall", "__purecall", "purecall", "__cxa_pure_virtual", "__cxa_deleted_virtual")


def find(case: Case) -> Finding | None:
    handler = case.calls(*_HANDLERS)
    if handler is None:
        return None
    return Finding(
        kind="pure-virtual-call",
        category="logic error",
        title="a pure virtual function was called",
        confidence="certain",
        evidence=(f"{handler} is on the stack",),
        advice="a virtual function was called while the object was being built or destroyed, or after that, often by "
        "another thread",
    )
