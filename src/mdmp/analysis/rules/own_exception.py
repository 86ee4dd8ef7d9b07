"""The program raised an exception of its own that nobody handled."""

from mdmp.analysis.rules.case import Case
from mdmp.platforms.ntstatus import FOREIGN, nt_status_name
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    code = case.reason.code
    if case.snapshot.system.os != "windows" or case.reason.kind != "other" or code is None or code in FOREIGN:
        return None
    if nt_status_name(code) and code >= 0x40000000:
        return None
    bit = code >> 29 & 1
    return Finding(
        kind="own-exception",
        category="logic error",
        title=f"the program raised an exception of its own ({code:#x}) that nobody handled",
        confidence="likely",
        evidence=(
            *((f"{code:#010x} has the bit set that marks an application's own codes",) if bit else ()),
            *case.reason.details,
        ),
        advice="look for the number in the program's sources, and at the function that called RaiseException",
    )
