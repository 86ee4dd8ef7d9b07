"""HandleOperationListStream (18): opens, closes and bad uses of handles, recorded by Application Verifier."""

from collections.abc import Iterable
from typing import Annotated

from mdmp.binary.record import Array, Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import RecordList, pack_sized, sized


class AVRF_BACKTRACE_INFORMATION(Record, size=264):
    Depth: u32
    Index: u32
    ReturnAddresses: Annotated[tuple[int, ...], Array(u64, 32)]


class AVRF_HANDLE_OPERATION(Record, size=288):
    Handle: u64
    ProcessId: u32
    ThreadId: u32
    OperationType: u32
    """1 open, 2 close, 3 reference to a handle that is not open."""
    Spare0: u32
    BackTraceInformation: AVRF_BACKTRACE_INFORMATION


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[AVRF_HANDLE_OPERATION]:
    return sized(AVRF_HANDLE_OPERATION, stream, issues, "Entries")


def encode(records: Iterable[AVRF_HANDLE_OPERATION]) -> bytes:
    return pack_sized(AVRF_HANDLE_OPERATION, records)
