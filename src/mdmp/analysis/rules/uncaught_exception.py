"""An exception of the language nobody caught."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_TERMINATORS = (
    "std::terminate",
    "terminate",
    "__cxxabiv1::__terminate",
    "__verbose_terminate_handler",
    "_objc_terminate",
)
_LANGUAGES = {"cpp": "C++", "clr": ".NET", "python": "Python"}

_SAID = "uncaught exception"


def find(case: Case) -> Finding | None:
    reason = case.reason
    if language := _LANGUAGES.get(reason.kind):
        what = f" {reason.thrown[0]}" if reason.thrown else ""
        if reason.title == "Rust panic":
            return None
        return Finding(
            kind="uncaught-exception",
            category="logic error",
            title=f"uncaught {language} exception{what}",
            confidence="certain",
            evidence=(f"{reason.code_name or reason.name} reached the system unhandled",),
            advice="catch it where it can be handled, or prevent its cause; the stack shows where it was thrown",
        )
    terminator = case.calls(*_TERMINATORS)
    if said := next((text for text in case.messages if text.startswith(_SAID)), None):
        return Finding(
            kind="uncaught-exception",
            category="logic error",
            title=f"uncaught C++ exception{said.removeprefix(_SAID)}",
            confidence="certain",
            evidence=("std::terminate had it in hand when it ended the program",),
            advice="catch it where it can be handled, or prevent its cause; the stack shows where it was thrown",
        )
    if reason.kind in ("abort", "fast-fail", "breakpoint") and terminator:
        return Finding(
            kind="uncaught-exception",
            category="logic error",
            title="an exception was not caught, or thrown where none is allowed",
            confidence="likely",
            evidence=(f"{terminator} is on the stack",),
            against=("std::terminate is also called for a joinable std::thread that is destroyed",),
            advice="look for the throwing function below on the stack",
        )
    return None
