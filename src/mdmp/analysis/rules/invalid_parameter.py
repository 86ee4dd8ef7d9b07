"""A C runtime function refused its arguments."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_HANDLERS = ("_invalid_parameter", "_invalid_parameter_noinfo", "_invalid_parameter_noinfo_noreturn", "_invoke_watson")


def find(case: Case) -> Finding | None:
    handler = case.calls(*_HANDLERS)
    told = case.reason.subcode_name == "FAST_FAIL_INVALID_ARG" or case.reason.code == 0xC0000417
    if not told and handler is None:
        return None
    return Finding(
        kind="invalid-parameter",
        category="logic error",
        title="an invalid argument was given to a C runtime function",
        confidence="certain",
        evidence=((f"{handler} is on the stack",) if handler else ()) + (case.reason.title,),
        advice="look at the call just outside of the runtime: a null string, a bad format, a buffer that is too small",
    )
