"""ThreadListStream (3)."""

from collections.abc import Iterable

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList, counted, pack_counted


class MINIDUMP_THREAD(Record, size=48):
    ThreadId: u32
    SuspendCount: u32
    PriorityClass: u32
    Priority: u32
    Teb: u64
    Stack: MINIDUMP_MEMORY_DESCRIPTOR
    """From the stack pointer (or below) to the stack's base; the bytes may be in Memory64List only (Rva 0)."""
    ThreadContext: MINIDUMP_LOCATION_DESCRIPTOR


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[MINIDUMP_THREAD]:
    return counted(MINIDUMP_THREAD, stream, issues, "Threads")


def encode(records: Iterable[MINIDUMP_THREAD]) -> bytes:
    return pack_counted(records)
