"""MiscInfoStream (15): five versions, each longer than the one before."""

from typing import Annotated, NamedTuple

from mdmp.binary.record import Array, Bytes, Record, i32, u16, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

# Flags1: which fields are valid
PROCESS_ID = 0x1
PROCESS_TIMES = 0x2
PROCESSOR_POWER_INFO = 0x4
PROCESS_INTEGRITY = 0x10
PROCESS_EXECUTE_FLAGS = 0x20
TIMEZONE = 0x40
PROTECTED_PROCESS = 0x80
BUILDSTRING = 0x100
PROCESS_COOKIE = 0x200

SIZES = (24, 44, 232, 832, 1364)
"""Of versions 1 to 5."""


class SYSTEMTIME(Record, size=16):
    wYear: u16
    wMonth: u16
    wDayOfWeek: u16
    wDay: u16
    wHour: u16
    wMinute: u16
    wSecond: u16
    wMilliseconds: u16


class TIME_ZONE_INFORMATION(Record, size=172):
    Bias: i32
    """Minutes: UTC = local time + Bias."""
    StandardName: Annotated[bytes, Bytes(64)]
    StandardDate: SYSTEMTIME
    StandardBias: i32
    DaylightName: Annotated[bytes, Bytes(64)]
    DaylightDate: SYSTEMTIME
    DaylightBias: i32


class XSTATE_FEATURE(Record, size=8):
    Offset: u32
    Size: u32


class XSTATE_CONFIG_FEATURE_MSC_INFO(Record, size=528):
    """Where each extended register set lies in the XSAVE area of the contexts."""

    SizeOfInfo: u32
    ContextSize: u32
    EnabledFeatures: u64
    Features: Annotated[tuple[XSTATE_FEATURE, ...], Array(XSTATE_FEATURE, 64)]


class MINIDUMP_MISC_INFO_5(Record, size=1364):
    """The newest version; older ones end earlier, and what is missing reads as zero."""

    SizeOfInfo: u32
    Flags1: u32
    ProcessId: u32
    ProcessCreateTime: u32
    ProcessUserTime: u32
    ProcessKernelTime: u32
    ProcessorMaxMhz: u32
    ProcessorCurrentMhz: u32
    ProcessorMhzLimit: u32
    ProcessorMaxIdleState: u32
    ProcessorCurrentIdleState: u32
    ProcessIntegrityLevel: u32
    ProcessExecuteFlags: u32
    ProtectedProcess: u32
    TimeZoneId: u32
    TimeZone: TIME_ZONE_INFORMATION
    BuildString: Annotated[bytes, Bytes(520)]
    DbgBldStr: Annotated[bytes, Bytes(80)]
    XStateData: XSTATE_CONFIG_FEATURE_MSC_INFO
    ProcessCookie: u32


class MiscInfo(NamedTuple):
    record: MINIDUMP_MISC_INFO_5
    size: int
    """Bytes that the file holds of it."""

    @property
    def version(self) -> int:
        """1 to 5: the newest version that is complete; 0 for a stub."""
        return sum(size <= self.size for size in SIZES)

    def has(self, flag: int, version: int = 1) -> bool:
        """Are the fields of a flag there? A field counts when its flag is set and the structure reaches it."""
        return bool(self.record.Flags1 & flag) and self.version >= version


def decode(stream: Window, file: Window, issues: IssueLog) -> MiscInfo:
    kind = MINIDUMP_MISC_INFO_5
    claimed = stream.u32(0, "SizeOfInfo") or len(stream)
    size = min(claimed, len(stream), kind.SIZE)
    if claimed > len(stream):
        issues.add(f"{stream.name}.SizeOfInfo", f"expected at most {len(stream)}; found {claimed}", stream.start)
    if size < 8:
        raise FormatError(stream.name, f"expected at least 8 bytes; found {size}", stream.start)
    return MiscInfo(kind(kind.STRUCT.unpack(stream.read(0, size).ljust(kind.SIZE, b"\0"))), size)


def encode(record: MINIDUMP_MISC_INFO_5, version: int) -> bytes:
    """The structure of a version, as long as that one is."""
    size = SIZES[version - 1]
    return size.to_bytes(4, "little") + record.pack()[4:size]
