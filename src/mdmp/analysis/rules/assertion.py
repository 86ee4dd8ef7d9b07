"""An assertion of the program failed."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_ASSERTS = (
    "__assert_fail",
    "__assert_rtn",
    "__assert2",
    "_assert",
    "_wassert",
    "std::__glibcxx_assert_fail",
    "std::__libcpp_verbose_abort",
    "NS_DebugBreak",
)


def find(case: Case) -> Finding | None:
    message = case.snapshot.annotations.assertion
    function = case.calls(*_ASSERTS)
    if not message and function is None:
        return None
    evidence = [f"recorded by the crash handler: {message}"] if message else []
    if function:
        evidence.append(f"{function} is on the stack")
    return Finding(
        kind="assertion",
        category="logic error",
        title=f"assertion failed: {message}" if message else "an assertion failed",
        confidence="certain",
        evidence=tuple(evidence),
        advice="the first function of the application on the stack made the check that failed",
    )
