"""ThreadInfoListStream (17): times, start address and state of threads."""

from collections.abc import Iterable

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import RecordList, pack_sized, sized

# DumpFlags
ERROR_THREAD = 0x1
WRITING_THREAD = 0x2
EXITED_THREAD = 0x4
INVALID_INFO = 0x8
INVALID_CONTEXT = 0x10
INVALID_TEB = 0x20


class MINIDUMP_THREAD_INFO(Record, size=64):
    """Times are FILETIMEs (CreateTime, ExitTime) or durations in units of 100 ns."""

    ThreadId: u32
    DumpFlags: u32
    DumpError: u32
    ExitStatus: u32
    CreateTime: u64
    ExitTime: u64
    KernelTime: u64
    UserTime: u64
    StartAddress: u64
    Affinity: u64


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[MINIDUMP_THREAD_INFO]:
    return sized(MINIDUMP_THREAD_INFO, stream, issues, "Entries")


def encode(records: Iterable[MINIDUMP_THREAD_INFO]) -> bytes:
    return pack_sized(MINIDUMP_THREAD_INFO, records)
