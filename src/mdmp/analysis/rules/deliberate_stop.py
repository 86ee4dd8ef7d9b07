"""The program stopped itself: an assertion, an abort, a fail-fast."""

from mdmp.analysis.rules.case import Case
from mdmp.analysis.rules.debugger_break import is_debugger_break
from mdmp.report import Finding

_ASSERTS = (
    "__assert_fail",
    "__assert_rtn",
    "_assert",
    "_wassert",
    "__assert2",
    "std::__glibcxx_assert_fail",
    "NS_DebugBreak",
)
_OTHERS = ("FAST_FAIL_CORRUPT_LIST_ENTRY", "FAST_FAIL_STACK_COOKIE_CHECK_FAILURE", "FAST_FAIL_LEGACY_GS_VIOLATION")


def find(case: Case) -> Finding | None:
    reason = case.reason
    assertion = case.snapshot.annotations.assertion
    caller = case.calls(*_ASSERTS)
    trap = case.instruction is not None and (case.instruction.text or "").startswith(("ud2", "int3", "brk", "udf"))
    stops = reason.kind in ("abort", "breakpoint") or (reason.kind == "instruction" and trap)
    fast_fail = reason.kind == "fast-fail" and reason.subcode_name not in _OTHERS
    if not (assertion or caller or stops or fast_fail) or is_debugger_break(case):
        return None
    evidence = [f"assertion: {assertion}"] if assertion else []
    if caller:
        evidence.append(f"{caller} is on the stack")
    if fast_fail:
        evidence.append(
            f"the program was stopped with {reason.subcode_name or hex(reason.subcode or 0)}: {reason.title}"
        )
    elif stops:
        evidence.append(f"{reason.name}: {reason.title}")
    if trap and case.instruction:
        evidence.append(f"the instruction is `{case.instruction.text}`, which compilers put where code must not go on")
    return Finding(
        kind="assertion" if assertion or caller else "deliberate-stop",
        category="logic error",
        title=f"assertion failed: {assertion}" if assertion else "the program stopped itself",
        confidence="certain" if assertion or caller or fast_fail or reason.kind == "abort" else "likely",
        evidence=tuple(evidence),
        against=("a debugger's break looks the same",)
        if reason.kind == "breakpoint" and not (assertion or caller)
        else (),
        advice="the first function of the application on the stack knows why: read the check that it failed",
    )
