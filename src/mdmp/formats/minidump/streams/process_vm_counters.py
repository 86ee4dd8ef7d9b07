"""ProcessVmCountersStream (22): memory counters of the process, in bytes."""

from mdmp.binary.record import Record, u16, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

# Flags of version 2: which fields are valid
COUNTERS = 0x1
VIRTUALSIZE = 0x2
EX = 0x4
EX2 = 0x8
JOB = 0x10


class MINIDUMP_PROCESS_VM_COUNTERS_1(Record, size=80):
    Revision: u16
    alignment: u16
    PageFaultCount: u32
    PeakWorkingSetSize: u64
    WorkingSetSize: u64
    QuotaPeakPagedPoolUsage: u64
    QuotaPagedPoolUsage: u64
    QuotaPeakNonPagedPoolUsage: u64
    QuotaNonPagedPoolUsage: u64
    PagefileUsage: u64
    PeakPagefileUsage: u64
    PrivateUsage: u64


class MINIDUMP_PROCESS_VM_COUNTERS_2(Record, size=152):
    Revision: u16
    Flags: u16
    PageFaultCount: u32
    PeakWorkingSetSize: u64
    WorkingSetSize: u64
    QuotaPeakPagedPoolUsage: u64
    QuotaPagedPoolUsage: u64
    QuotaPeakNonPagedPoolUsage: u64
    QuotaNonPagedPoolUsage: u64
    PagefileUsage: u64
    PeakPagefileUsage: u64
    PeakVirtualSize: u64
    VirtualSize: u64
    PrivateUsage: u64
    PrivateWorkingSetSize: u64
    SharedCommitUsage: u64
    JobSharedCommitUsage: u64
    JobPrivateCommitUsage: u64
    JobPeakPrivateCommitUsage: u64
    JobPrivateCommitLimit: u64
    JobTotalCommitLimit: u64


def decode(
    stream: Window, file: Window, issues: IssueLog
) -> MINIDUMP_PROCESS_VM_COUNTERS_1 | MINIDUMP_PROCESS_VM_COUNTERS_2:
    revision = stream.u16(0, "Revision")
    if revision == 1:
        return MINIDUMP_PROCESS_VM_COUNTERS_1.read(stream)
    if revision == 2:
        return MINIDUMP_PROCESS_VM_COUNTERS_2.read(stream)
    raise FormatError(f"{stream.name}.Revision", f"expected 1 or 2; found {revision}", stream.start)


def encode(record: MINIDUMP_PROCESS_VM_COUNTERS_1 | MINIDUMP_PROCESS_VM_COUNTERS_2) -> bytes:
    return record.pack()
