"""Facts of a Windows system -> what is amiss. Pure.

Sources: learn.microsoft.com, "Collecting User-Mode Dumps", "WER Settings", "Configuring Automatic Debugging".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.monitor.doctor.check import BAD, OK, SYSTEM, TRACE, UNKNOWN, WARN, Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.doctor.windows_facts import WindowsFacts

_INSTALL = "mdmp install (as administrator), or start the program with mdmp run"
_LENGTH = 120


def check_windows(facts: WindowsFacts) -> Iterator[Check]:
    yield _system(facts)
    for problem in facts.problems:
        yield Check("handler", BAD, problem, "mdmp install again", SYSTEM)
    if facts.two_views and facts.debugger != facts.debugger_32:
        yield _other_view(facts)
    if facts.debugger and facts.excluded:
        text = f"AeDebug leaves these programs alone (AutoExclusionList): {', '.join(facts.excluded[:5])}"
        state = OK if {name.lower() for name in facts.excluded} == {"dwm.exe"} else WARN
        yield Check("aedebug_excluded", state, text, "remove those whose crashes are wanted", SYSTEM)
    yield _wer(facts)
    yield _privilege(facts)
    if facts.other_width:
        text = "this Python is a 32-bit program: it can neither watch nor dump 64-bit programs"
        yield Check("width", BAD, text, "run mdmp with a 64-bit Python, which can do both", TRACE)
    yield _snapshots(facts)
    if facts.dbghelp:
        yield Check("dbghelp", OK, "--writer dbghelp can be used", concerns=TRACE)
    else:
        yield Check("dbghelp", WARN, "there is no MiniDumpWriteDump: --writer dbghelp cannot be used", concerns=TRACE)


def _system(facts: WindowsFacts) -> Check:
    debugger = facts.debugger
    if debugger and "mdmp" in debugger.lower():
        return Check("system", OK, "crashes of all programs come to mdmp (AeDebug)", concerns=SYSTEM)
    if debugger:
        both = ", and LocalDumps does not count then" if facts.local_dumps else ""
        text = f"crashes of programs that nobody watches go to {debugger[:_LENGTH]} (AeDebug){both}"
        return Check("system", WARN, text, _INSTALL, SYSTEM)
    if facts.local_dumps:
        return Check("system", OK, "Windows itself writes dumps (LocalDumps)", concerns=SYSTEM)
    text = "neither LocalDumps nor AeDebug is set: a crash leaves no dump, unless mdmp watches the program"
    return Check("system", BAD, text, _INSTALL, SYSTEM)


def _other_view(facts: WindowsFacts) -> Check:
    there = (facts.debugger_32 or "nobody")[:_LENGTH]
    text = f"crashes of 32-bit programs go elsewhere than those of 64-bit programs: to {there} (Wow6432Node)"
    return Check("aedebug_32", WARN, text, "mdmp install sets both", SYSTEM)


def _wer(facts: WindowsFacts) -> Check:
    if not facts.service:
        text = "the service WerSvc is disabled: LocalDumps are not written"
        state = BAD if facts.local_dumps and not facts.debugger else WARN
        return Check("wer", state, text, "sc config WerSvc start= demand", SYSTEM)
    if facts.wer_disabled:
        text = "Windows Error Reporting is disabled: it sends no reports; LocalDumps are written all the same"
        return Check("wer", OK, text, concerns=SYSTEM)
    if not facts.dont_show:
        text = "Windows may show a window for a crash and keep the program until somebody answers"
        return Check("wer", OK, text, "on servers: set DontShowUI to 1", SYSTEM)
    return Check("wer", OK, "Windows Error Reporting is on and asks nobody", concerns=SYSTEM)


def _privilege(facts: WindowsFacts) -> Check:
    if facts.debug_privilege is None:
        return Check("debug_privilege", UNKNOWN, "whether we may have SeDebugPrivilege is not known", concerns=TRACE)
    if facts.debug_privilege:
        return Check(
            "debug_privilege", OK, "processes of other users may be attached to (SeDebugPrivilege)", concerns=TRACE
        )
    text = "only processes of this user may be attached to: there is no SeDebugPrivilege"
    return Check("debug_privilege", WARN, text, "start mdmp as administrator for services and other users", TRACE)


def _snapshots(facts: WindowsFacts) -> Check:
    if facts.snapshots:
        return Check("snapshot", OK, "running processes are hardly held by a dump (PssCaptureSnapshot)", concerns=TRACE)
    text = "there is no PssCaptureSnapshot: a running process stands still while its dump is written"
    return Check("snapshot", WARN, text, "Windows 8.1 and later have it", TRACE)
