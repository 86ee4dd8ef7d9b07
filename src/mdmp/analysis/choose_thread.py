"""Which exception and which thread an analysis starts from."""

from mdmp.platforms import mach, ntstatus, signals
from mdmp.snapshot import ExceptionRecord, Snapshot

_STOPS = {
    "windows": ntstatus.HARMLESS | ntstatus.REQUESTED | {0, 0x80000003, 0x80000004, 0x4000001E, 0x4000001F},
    "macos": {0, 6, mach.SIMULATED},
    "linux": {0, 5, 17, 19, signals.ANDROID_TRAP, signals.DUMP_REQUESTED},
}
"""Codes of a stop that need not be a crash: debugger stops, dumps on request."""


def choose_exception(snapshot: Snapshot) -> ExceptionRecord | None:
    """The exception to explain: the first that is a fault, else the first; None when there is none.

    LLDB keeps one exception for each stopped thread, most of them mere stops.
    """
    os = {"ios": "macos", "android": "linux"}.get(snapshot.system.os, snapshot.system.os)
    stops = _STOPS.get(os, frozenset((0,)))
    faults = (e for e in snapshot.exceptions if e.code not in stops)
    return next(faults, None) or next(iter(snapshot.exceptions), None)


def choose_thread(snapshot: Snapshot, exception: ExceptionRecord | None) -> tuple[int | None, str]:
    """Index of the thread to look at first, and why that one; None when the snapshot has no threads.

    As debuggers do: the thread of the exception; without one the thread that asked for the dump; else the first
    that was not busy writing the dump.
    """
    threads = snapshot.threads or ()
    for tid, why in (
        (exception.tid if exception else None, "the exception happened on it"),
        (snapshot.requesting_tid, "it asked for the dump"),
    ):
        if tid is not None:
            for index, thread in enumerate(threads):
                if thread.tid == tid:
                    return index, why
    for index, thread in enumerate(threads):
        if not thread.wrote_the_dump:
            return index, "nothing tells which thread matters; it is the first"
    return (0, "it is the only one") if threads else (None, "the dump has no threads")
