"""Nothing crashed: the dump was asked for."""

from mdmp.analysis.locks import waits_in
from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if not case.reason.requested:
        return None
    walked = [thread for thread in case.threads if thread.frames and not thread.wrote_the_dump]
    waiting = sum(waits_in(thread) is not None for thread in walked)
    evidence = [case.reason.title]
    if walked:
        evidence.append(f"{waiting} of {len(walked)} threads are seen to wait")
    return Finding(
        kind="no-crash",
        category="no crash",
        title="no crash: a snapshot of a process, taken on request",
        confidence="likely" if case.snapshot.issues else "certain",
        evidence=tuple(evidence),
        against=("parts of the dump are damaged",) if case.snapshot.issues else (),
        advice="if the program hung, look at what its main thread and the holders of locks wait for",
    )
