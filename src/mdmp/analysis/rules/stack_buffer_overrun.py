"""A buffer on the stack ran over its end and a stack cookie noticed it."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_CHECKERS = (
    "__stack_chk_fail",
    "__fortify_fail",
    "__chk_fail",
    "__report_gsfailure",
    "__GSHandlerCheck",
    "__GSHandlerCheck_EH",
)

_WORDS = ("stack smashing detected", "buffer overflow detected")


def find(case: Case) -> Finding | None:
    evidence = []
    if case.reason.subcode_name in ("FAST_FAIL_STACK_COOKIE_CHECK_FAILURE", "FAST_FAIL_LEGACY_GS_VIOLATION"):
        evidence.append(f"the program was stopped with {case.reason.subcode_name}")
    if case.reason.kind in ("abort", "fast-fail") and (checker := case.calls(*_CHECKERS)):
        evidence.append(f"{checker} is on the stack: a stack check failed")
    evidence += (f"the C library says: {message}" for message in case.messages if any(w in message for w in _WORDS))
    if not evidence:
        return None
    return Finding(
        kind="stack-buffer-overrun",
        category="memory corruption",
        title="a buffer on the stack was written past its end"
        if not any("buffer overflow" in message for message in case.messages)
        else "a buffer was about to be written past its end",
        confidence="certain",
        evidence=tuple(evidence),
        advice="the function that was about to return has the buffer: check its array and string copies",
    )
