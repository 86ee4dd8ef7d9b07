"""SystemMemoryInfoStream (21): memory and performance counters of the whole system, most of them in pages."""

from mdmp.binary.record import Record, i64, u16, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog


class MINIDUMP_SYSTEM_BASIC_INFORMATION(Record, size=52):
    TimerResolution: u32
    PageSize: u32
    NumberOfPhysicalPages: u32
    LowestPhysicalPageNumber: u32
    HighestPhysicalPageNumber: u32
    AllocationGranularity: u32
    MinimumUserModeAddress: u64
    MaximumUserModeAddress: u64
    ActiveProcessorsAffinityMask: u64
    NumberOfProcessors: u32


class MINIDUMP_SYSTEM_FILECACHE_INFORMATION(Record, size=60):
    CurrentSize: u64
    PeakSize: u64
    PageFaultCount: u32
    MinimumWorkingSet: u64
    MaximumWorkingSet: u64
    CurrentSizeIncludingTransitionInPages: u64
    PeakSizeIncludingTransitionInPages: u64
    TransitionRePurposeCount: u32
    Flags: u32


class MINIDUMP_SYSTEM_BASIC_PERFORMANCE_INFORMATION(Record, size=32):
    AvailablePages: u64
    CommittedPages: u64
    CommitLimit: u64
    PeakCommitment: u64


class MINIDUMP_SYSTEM_PERFORMANCE_INFORMATION(Record, size=344):
    IdleProcessTime: u64
    IoReadTransferCount: u64
    IoWriteTransferCount: u64
    IoOtherTransferCount: u64
    IoReadOperationCount: u32
    IoWriteOperationCount: u32
    IoOtherOperationCount: u32
    AvailablePages: u32
    CommittedPages: u32
    CommitLimit: u32
    PeakCommitment: u32
    PageFaultCount: u32
    CopyOnWriteCount: u32
    TransitionCount: u32
    CacheTransitionCount: u32
    DemandZeroCount: u32
    PageReadCount: u32
    PageReadIoCount: u32
    CacheReadCount: u32
    CacheIoCount: u32
    DirtyPagesWriteCount: u32
    DirtyWriteIoCount: u32
    MappedPagesWriteCount: u32
    MappedWriteIoCount: u32
    PagedPoolPages: u32
    NonPagedPoolPages: u32
    PagedPoolAllocs: u32
    PagedPoolFrees: u32
    NonPagedPoolAllocs: u32
    NonPagedPoolFrees: u32
    FreeSystemPtes: u32
    ResidentSystemCodePage: u32
    TotalSystemDriverPages: u32
    TotalSystemCodePages: u32
    NonPagedPoolLookasideHits: u32
    PagedPoolLookasideHits: u32
    AvailablePagedPoolPages: u32
    ResidentSystemCachePage: u32
    ResidentPagedPoolPage: u32
    ResidentSystemDriverPage: u32
    CcFastReadNoWait: u32
    CcFastReadWait: u32
    CcFastReadResourceMiss: u32
    CcFastReadNotPossible: u32
    CcFastMdlReadNoWait: u32
    CcFastMdlReadWait: u32
    CcFastMdlReadResourceMiss: u32
    CcFastMdlReadNotPossible: u32
    CcMapDataNoWait: u32
    CcMapDataWait: u32
    CcMapDataNoWaitMiss: u32
    CcMapDataWaitMiss: u32
    CcPinMappedDataCount: u32
    CcPinReadNoWait: u32
    CcPinReadWait: u32
    CcPinReadNoWaitMiss: u32
    CcPinReadWaitMiss: u32
    CcCopyReadNoWait: u32
    CcCopyReadWait: u32
    CcCopyReadNoWaitMiss: u32
    CcCopyReadWaitMiss: u32
    CcMdlReadNoWait: u32
    CcMdlReadWait: u32
    CcMdlReadNoWaitMiss: u32
    CcMdlReadWaitMiss: u32
    CcReadAheadIos: u32
    CcLazyWriteIos: u32
    CcLazyWritePages: u32
    CcDataFlushes: u32
    CcDataPages: u32
    ContextSwitches: u32
    FirstLevelTbFills: u32
    SecondLevelTbFills: u32
    SystemCalls: u32
    CcTotalDirtyPages: u64
    CcDirtyPageThreshold: u64
    ResidentAvailablePages: i64
    SharedCommittedPages: u64


class MINIDUMP_SYSTEM_MEMORY_INFO_1(Record, size=492):
    Revision: u16
    Flags: u16
    BasicInfo: MINIDUMP_SYSTEM_BASIC_INFORMATION
    FileCacheInfo: MINIDUMP_SYSTEM_FILECACHE_INFORMATION
    BasicPerfInfo: MINIDUMP_SYSTEM_BASIC_PERFORMANCE_INFORMATION
    PerfInfo: MINIDUMP_SYSTEM_PERFORMANCE_INFORMATION


def decode(stream: Window, file: Window, issues: IssueLog) -> MINIDUMP_SYSTEM_MEMORY_INFO_1:
    """Newer revisions only add fields at the end."""
    return MINIDUMP_SYSTEM_MEMORY_INFO_1.read(stream)


def encode(record: MINIDUMP_SYSTEM_MEMORY_INFO_1) -> bytes:
    return record.pack()
