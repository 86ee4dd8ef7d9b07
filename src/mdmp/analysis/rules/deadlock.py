"""Threads wait for each other's locks."""

from mdmp.analysis.blame import blame
from mdmp.analysis.locks import LockWait, cycle, lock_waits
from mdmp.analysis.rules.case import Case
from mdmp.report import Finding


def find(case: Case) -> Finding | None:
    if not (case.reason.requested or case.reason.code == 0xC0000194):
        return None
    waits = lock_waits(case.snapshot, case.threads, case.memory)
    circle = cycle(waits)
    if circle:
        return Finding(
            kind="deadlock",
            category="logic error",
            title=f"deadlock: {len(circle)} threads wait for each other",
            confidence="certain",
            evidence=tuple(_sentence(wait) for wait in circle),
            advice="take these locks in the same order everywhere",
        )
    owned = [wait for wait in waits if wait.owner is not None]
    if len(waits) < 2 and not owned:
        return None
    return Finding(
        kind="lock-contention",
        category="logic error",
        title=f"{len(waits)} thread{'s wait' if len(waits) > 1 else ' waits'} for a lock",
        confidence="possible",
        evidence=tuple(_sentence(wait) for wait in waits[:8]),
        against=("no circle of owners was found",),
        advice="see what the owners of the locks are doing",
    )


def _sentence(wait: LockWait) -> str:
    thread = wait.waiter
    blamed = blame(thread.index, thread.frames)
    where = f" in {blamed.function}" if blamed and blamed.function else ""
    lock = f" for the lock at {wait.lock:#x}" if wait.lock else " for a lock"
    owner = f", which thread {wait.owner} holds" if wait.owner else ""
    name = f" ({thread.name})" if thread.name else ""
    return f"thread {thread.tid}{name} waits{where} ({wait.function}){lock}{owner}"
