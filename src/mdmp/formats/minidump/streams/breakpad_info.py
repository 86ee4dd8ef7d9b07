"""BreakpadInfoStream (0x47670001): which threads wrote and asked for the dump."""

from mdmp.binary.record import Record, u32
from mdmp.binary.window import Window
from mdmp.errors import IssueLog

# Validity
DUMP_THREAD_ID = 0x1
REQUESTING_THREAD_ID = 0x2


class MINIDUMP_BREAKPAD_INFO(Record, size=12):
    Validity: u32
    DumpThreadId: u32
    RequestingThreadId: u32


def decode(stream: Window, file: Window, issues: IssueLog) -> MINIDUMP_BREAKPAD_INFO:
    return MINIDUMP_BREAKPAD_INFO.read(stream)


def encode(record: MINIDUMP_BREAKPAD_INFO) -> bytes:
    return record.pack()
