"""ExceptionStream (6): what stopped one thread."""

from typing import Annotated

from mdmp.binary.record import Array, Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR

EXCEPTION_MAXIMUM_PARAMETERS = 15


class MINIDUMP_EXCEPTION(Record, size=152):
    ExceptionCode: u32
    ExceptionFlags: u32
    ExceptionRecord: u64
    ExceptionAddress: u64
    NumberParameters: u32
    unusedAlignment: u32
    ExceptionInformation: Annotated[tuple[int, ...], Array(u64, EXCEPTION_MAXIMUM_PARAMETERS)]


class MINIDUMP_EXCEPTION_STREAM(Record, size=168):
    ThreadId: u32
    alignment: u32
    ExceptionRecord: MINIDUMP_EXCEPTION
    ThreadContext: MINIDUMP_LOCATION_DESCRIPTOR


def decode(stream: Window, file: Window, issues: IssueLog) -> MINIDUMP_EXCEPTION_STREAM:
    return MINIDUMP_EXCEPTION_STREAM.read(stream)


def encode(record: MINIDUMP_EXCEPTION_STREAM) -> bytes:
    return record.pack()
