"""The crash reason: what stopped the process, from the exception record and what memory tells about it.

`CrashReason.name` uses the words of Mozilla's minidump-stackwalk (and Breakpad), so that servers group as before;
`title` is for people.
"""

from mdmp.analysis.crash_reason import CrashReason, pointer_size
from mdmp.analysis.python_exception import python_reason
from mdmp.analysis.reason_mach import mach_reason
from mdmp.analysis.reason_signal import signal_reason
from mdmp.analysis.reason_windows import windows_reason
from mdmp.snapshot import ExceptionRecord, MemoryReader, Snapshot

_BY_OS = {
    "windows": windows_reason,
    "linux": signal_reason,
    "android": signal_reason,
    "macos": mach_reason,
    "ios": mach_reason,
}


def crash_reason(
    snapshot: Snapshot, exception: ExceptionRecord | None, memory: MemoryReader | None = None
) -> CrashReason:
    """Explain `exception`. `memory` may add what images hold to the snapshot's own (types of thrown objects)."""
    if reason := python_reason(snapshot):
        return reason
    if exception is None and snapshot.origin.kind == "microdump":
        return CrashReason(kind="unknown", name="unknown", title="a crash; the dump does not tell which signal it was")
    if exception is None and snapshot.exceptions_lost:
        return CrashReason(kind="unknown", name="unknown", title="not known: the dump is damaged where it would tell")
    if exception is None:
        return CrashReason(
            kind="none",
            name="No crash",
            title="no exception: the dump was requested, or written by a debugger",
            requested=True,
        )
    if explain := _BY_OS.get(snapshot.system.os):
        return explain(snapshot, exception, snapshot.memory if memory is None else memory)
    return CrashReason(
        kind="unknown",
        name=f"unknown {exception.code:#010x} / {exception.flags:#010x}",
        title=f"exception {exception.code:#x} of an operating system whose codes are not known",
        code=exception.code,
        address=(exception.address or 0) & (1 << 8 * pointer_size(snapshot)) - 1,
    )
