"""The program stopped itself: an abort, a trap, a fast fail, and nothing tells more."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    reason = case.reason
    text = case.instruction.text if case.instruction else None
    trap = text is not None and text.startswith(("ud2", "int3", "brk", "udf"))
    if reason.kind not in ("abort", "breakpoint", "fast-fail") and not (reason.kind == "instruction" and trap):
        return None
    evidence = [f"{reason.name}: {reason.title}"]
    if trap:
        evidence.append(f"the instruction is `{text}`, which compilers put where code must not go on")
    return Finding(
        kind="deliberate-stop",
        category="logic error",
        title="the program stopped itself",
        confidence="certain" if reason.kind in ("abort", "fast-fail") else "likely",
        evidence=tuple(evidence),
        against=("a debugger's break looks the same",) if reason.kind == "breakpoint" else (),
        advice="the first function of the application on the stack knows why: read the check that it failed",
    )
