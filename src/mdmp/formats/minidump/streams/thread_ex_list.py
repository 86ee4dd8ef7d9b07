"""ThreadExListStream (8): threads with a register backing store, as on Itanium."""

from collections.abc import Iterable

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList, counted, pack_counted


class MINIDUMP_THREAD_EX(Record, size=64):
    ThreadId: u32
    SuspendCount: u32
    PriorityClass: u32
    Priority: u32
    Teb: u64
    Stack: MINIDUMP_MEMORY_DESCRIPTOR
    ThreadContext: MINIDUMP_LOCATION_DESCRIPTOR
    BackingStore: MINIDUMP_MEMORY_DESCRIPTOR


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[MINIDUMP_THREAD_EX]:
    return counted(MINIDUMP_THREAD_EX, stream, issues, "Threads")


def encode(records: Iterable[MINIDUMP_THREAD_EX]) -> bytes:
    return pack_counted(records)
