"""A delay-loaded DLL or a function in it was missing."""

from mdmp.analysis.rules.case import Case
from mdmp.report import Finding

_NAME_OFFSETS = {4: 12, 8: 24}
"""Where DelayLoadInfo (delayimp.h) keeps the DLL's name: after cb, pidd, ppfn."""


def find(case: Case) -> Finding | None:
    if case.reason.code not in (0xC06D007E, 0xC06D007F):
        return None
    exception = next((e for e in case.snapshot.exceptions if e.code == case.reason.code), None)
    evidence = [case.reason.title]
    size = case.pointer_size
    if exception and exception.parameters:
        info = exception.parameters[0]
        name = case.memory.word(info + _NAME_OFFSETS[size], size)
        text = case.memory.read_some(name, 260).partition(b"\0")[0].decode("latin-1") if name else ""
        if text.isprintable() and text:
            evidence.append(f"the DLL is {text}")
    return Finding(
        kind="missing-dll",
        category="environment",
        title=case.reason.title,
        confidence="certain",
        evidence=tuple(evidence),
        advice="install the DLL or the version of it that the program was built for",
    )
