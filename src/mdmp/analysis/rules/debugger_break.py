"""A debugger broke into the process: nothing crashed."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_BREAKS = ("DbgBreakPoint", "DbgUiRemoteBreakin", "LdrpDoDebuggerBreak", "LdrInitShimEngineDynamic")


def find(case: Case) -> Finding | None:
    address = case.reason.address
    if case.reason.kind != "breakpoint" or case.snapshot.system.os != "windows" or address is None:
        return None
    module = case.snapshot.module_at(address)
    if module is None or module.name.lower() != "ntdll.dll":
        return None
    function = case.calls(*_BREAKS)
    return Finding(
        kind="debugger-break",
        category="no crash",
        title="a debugger broke into the process",
        confidence="certain" if function else "likely",
        evidence=(f"{function} is on the stack",) if function else ("the breakpoint is inside ntdll itself",),
        against=() if function else ("without symbols another breakpoint of the system looks the same",),
    )
