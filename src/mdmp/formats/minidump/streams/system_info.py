"""SystemInfoStream (7): processor and operating system."""

from typing import Annotated, NamedTuple

from mdmp.binary.record import Array, Bytes, Record, u8, u16, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.text import Texts

# PROCESSOR_ARCHITECTURE_*; from 0x8001 on Breakpad's own
INTEL = 0
MIPS = 1
PPC = 3
ARM = 5
IA64 = 6
AMD64 = 9
IA32_ON_WIN64 = 10
ARM64 = 12
SPARC = 0x8001
PPC64 = 0x8002
ARM64_OLD = 0x8003
MIPS64 = 0x8004
RISCV = 0x8005
RISCV64 = 0x8006
UNKNOWN = 0xFFFF


class MINIDUMP_SYSTEM_INFO(Record, size=56):
    ProcessorArchitecture: u16
    ProcessorLevel: u16
    ProcessorRevision: u16
    NumberOfProcessors: u8
    ProductType: u8
    MajorVersion: u32
    MinorVersion: u32
    BuildNumber: u32
    PlatformId: u32
    """VER_PLATFORM_WIN32_NT 2; from 0x8000 on Breakpad's: macOS 0x8101, Linux 0x8201, Android 0x8203…"""
    CSDVersionRva: u32
    SuiteMask: u16
    Reserved2: u16
    Cpu: Annotated[bytes, Bytes(24)]


class X86CpuInfo(Record, size=24):
    """CPU_INFORMATION of x86; amd64 writers other than Windows fill it too."""

    VendorId: Annotated[bytes, Bytes(12)]
    """CPUID leaf 0 in the order EBX, EDX, ECX: readable text."""
    VersionInformation: u32
    FeatureInformation: u32
    AMDExtendedCpuFeatures: u32


class ARMCpuInfo(Record, size=24):
    """CPU_INFORMATION of 32-bit ARM as Breakpad fills it."""

    Cpuid: u32
    ElfHwcaps: u32
    Unused: Annotated[bytes, Bytes(16)]


class OtherCpuInfo(Record, size=24):
    """CPU_INFORMATION of other processors: PF_* feature bits."""

    ProcessorFeatures: Annotated[tuple[int, ...], Array(u64, 2)]
    Unused: Annotated[bytes, Bytes(8)]


class SystemInfo(NamedTuple):
    record: MINIDUMP_SYSTEM_INFO
    csd_version: str | None
    """`Service Pack 1`; on Linux and macOS the kernel's or system's build in words."""
    cpu: X86CpuInfo | ARMCpuInfo | OtherCpuInfo


def decode(stream: Window, file: Window, issues: IssueLog) -> SystemInfo:
    record = MINIDUMP_SYSTEM_INFO.read(stream)
    csd_version = Texts(file).optional_wide(record.CSDVersionRva, issues, stream.name, "CSDVersionRva")
    return SystemInfo(record, csd_version, _cpu(record))


def _cpu(record: MINIDUMP_SYSTEM_INFO) -> X86CpuInfo | ARMCpuInfo | OtherCpuInfo:
    kind: type[X86CpuInfo] | type[ARMCpuInfo] | type[OtherCpuInfo] = OtherCpuInfo
    is_x86 = record.ProcessorArchitecture in (INTEL, IA32_ON_WIN64)
    if is_x86 or (record.ProcessorArchitecture == AMD64 and record.Cpu[:12].isalpha()):
        kind = X86CpuInfo
    elif record.ProcessorArchitecture == ARM and record.PlatformId >= 0x8000:
        kind = ARMCpuInfo
    return kind(kind.STRUCT.unpack(record.Cpu))


def encode(record: MINIDUMP_SYSTEM_INFO) -> bytes:
    return record.pack()
