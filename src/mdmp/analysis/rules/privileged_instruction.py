"""User code met an instruction that only the system may execute."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if case.reason.code != 0xC0000096 and case.reason.subcode_name not in ("ILL_PRVOPC", "ILL_PRVREG"):
        return None
    text = case.instruction.text if case.instruction else None
    known = case.stack is not None and bool(case.stack.frames) and case.stack.frames[0].function is not None
    return Finding(
        kind="privileged-instruction",
        category="logic error" if known else "memory corruption",
        title=f"`{text}` is not allowed in user code" if text else "an instruction that is not allowed in user code",
        confidence="likely" if known else "possible",
        evidence=(case.reason.title, *((f"the instruction is `{text}`",) if text else ())),
        against=() if known else ("without symbols it is not known whether this is a function at all",),
        advice="either it was written on purpose (a trap), or the processor was sent into data: compare with the image",
    )
