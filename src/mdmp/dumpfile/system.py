"""SystemInfo <-> `System`: processor and operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.system_info import MINIDUMP_SYSTEM_INFO, SystemInfo, X86CpuInfo, encode
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import Snapshot, System

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.system_memory_info import MINIDUMP_SYSTEM_MEMORY_INFO_1

OS_NAMES = {
    1: "windows",
    2: "windows",
    3: "windows",
    0x8101: "macos",
    0x8102: "ios",
    0x8201: "linux",
    0x8202: "solaris",
    0x8203: "android",
    0x8204: "ps3",
    0x8205: "nacl",
    0x8206: "fuchsia",
}
"""PlatformId to the name in `System.os`."""

CPU_NAMES = {
    0: "x86",
    1: "mips",
    3: "ppc",
    4: "shx",
    5: "arm",
    6: "ia64",
    9: "amd64",
    10: "x86",
    12: "arm64",
    0x8001: "sparc",
    0x8002: "ppc64",
    0x8003: "arm64",
    0x8004: "mips64",
    0x8005: "riscv",
    0x8006: "riscv64",
}
"""ProcessorArchitecture to the name in `System.cpu`."""


ARM64_ELSEWHERE = 0x8003
"""Breakpad's number for arm64, which goes with its layout of contexts."""


def load_system(dump: Minidump, context_cpu: str | None) -> System:
    """`context_cpu`: the processor that the contexts tell, for dumps without SystemInfo."""
    info: SystemInfo | None = dump.stream(table.SYSTEM_INFO)
    if info is None:
        return System(os="unknown", cpu=context_cpu or "unknown", memory=_memory(dump))
    record, cpu = info.record, info.cpu
    vendor, features = None, tuple(int.from_bytes(record.Cpu[at : at + 8], "little") for at in (0, 8))
    if isinstance(cpu, X86CpuInfo):
        vendor = cpu.VendorId.rstrip(b"\0").decode("ascii", "replace") or None
        features = (cpu.VersionInformation, cpu.FeatureInformation, cpu.AMDExtendedCpuFeatures)
    name = CPU_NAMES.get(record.ProcessorArchitecture, context_cpu or "unknown")
    numbers = (record.MajorVersion, record.MinorVersion, record.BuildNumber)
    return System(
        os=OS_NAMES.get(record.PlatformId, "unknown"),
        cpu=name,
        os_version=".".join(map(str, numbers)),
        os_build=info.csd_version or None,
        platform_id=record.PlatformId,
        product_type=record.ProductType,
        suite_mask=record.SuiteMask,
        cpu_count=record.NumberOfProcessors,
        cpu_level=record.ProcessorLevel,
        cpu_revision=record.ProcessorRevision,
        cpu_vendor=vendor,
        cpu_model=_model(name, record.ProcessorLevel, record.ProcessorRevision),
        cpu_features=features,
        memory=_memory(dump),
    )


def _model(cpu: str, level: int, revision: int) -> str | None:
    if cpu in ("x86", "amd64") and level:
        return f"family {level} model {revision >> 8} stepping {revision & 0xFF}"
    if cpu == "arm" and level:
        return f"ARMv{level}"
    return None


def _memory(dump: Minidump) -> dict[str, int]:
    info: MINIDUMP_SYSTEM_MEMORY_INFO_1 | None = dump.stream(table.SYSTEM_MEMORY_INFO)
    if info is None:
        return {}
    basic, performance, page = info.BasicInfo, info.PerfInfo, info.BasicInfo.PageSize
    return {
        "page_size": page,
        "physical": basic.NumberOfPhysicalPages * page,
        "available": performance.AvailablePages * page,
        "committed": performance.CommittedPages * page,
        "commit_limit": performance.CommitLimit * page,
        "peak_commit": performance.PeakCommitment * page,
        "paged_pool": performance.PagedPoolPages * page,
        "nonpaged_pool": performance.NonPagedPoolPages * page,
    }


def save_system(snapshot: Snapshot, out: Layout) -> None:
    system = snapshot.system
    _save_memory(system, out)
    platform = system.platform_id
    if platform is None:
        platform = next((number for number, name in OS_NAMES.items() if name == system.os and number != 1), None)
    architecture = architecture_of(system)
    if platform is None or architecture is None:
        return
    numbers = [int(part) if part.isdecimal() else 0 for part in (system.os_version or "").split(".")][:3]
    major, minor, build = (min(number, 0xFFFFFFFF) for number in (*numbers, 0, 0, 0)[:3])
    record = MINIDUMP_SYSTEM_INFO.new(
        ProcessorArchitecture=architecture,
        ProcessorLevel=(system.cpu_level or 0) & 0xFFFF,
        ProcessorRevision=(system.cpu_revision or 0) & 0xFFFF,
        NumberOfProcessors=min(system.cpu_count or 0, 0xFF),
        ProductType=(system.product_type or 0) & 0xFF,
        MajorVersion=major,
        MinorVersion=minor,
        BuildNumber=build,
        PlatformId=platform,
        CSDVersionRva=out.wide(system.os_build or ""),
        SuiteMask=(system.suite_mask or 0) & 0xFFFF,
        Cpu=_cpu_bytes(system),
    )
    out.stream(table.SYSTEM_INFO, encode(record))


def architecture_of(system: System) -> int | None:
    """PROCESSOR_ARCHITECTURE_*; None for a processor that has no number."""
    if system.cpu == "arm64" and system.os != "windows":
        return ARM64_ELSEWHERE
    return next((number for number, name in CPU_NAMES.items() if name == system.cpu), None)


def _cpu_bytes(system: System) -> bytes:
    features = system.cpu_features
    if system.cpu == "x86" or (system.cpu == "amd64" and system.cpu_vendor):
        words = [feature & 0xFFFFFFFF for feature in (*features, 0, 0, 0)[:3]]
        vendor = (system.cpu_vendor or "").encode("ascii", "replace")[:12].ljust(12, b"\0")
        return vendor + b"".join(word.to_bytes(4, "little") for word in words)
    return b"".join((feature & (1 << 64) - 1).to_bytes(8, "little") for feature in features[:2]).ljust(24, b"\0")


def _save_memory(system: System, out: Layout) -> None:
    """The counters are in bytes there, in pages here."""
    memory, page = system.memory, system.memory.get("page_size", 0)
    if not page:
        return
    from mdmp.formats.minidump.streams import system_memory_info as wire

    pages = {name: min(count // page, 0xFFFFFFFF) for name, count in memory.items()}
    record = wire.MINIDUMP_SYSTEM_MEMORY_INFO_1.new(
        Revision=1,
        BasicInfo=wire.MINIDUMP_SYSTEM_BASIC_INFORMATION.new(
            PageSize=page, NumberOfPhysicalPages=pages.get("physical", 0)
        ),
        PerfInfo=wire.MINIDUMP_SYSTEM_PERFORMANCE_INFORMATION.new(
            AvailablePages=pages.get("available", 0),
            CommittedPages=pages.get("committed", 0),
            CommitLimit=pages.get("commit_limit", 0),
            PeakCommitment=pages.get("peak_commit", 0),
            PagedPoolPages=pages.get("paged_pool", 0),
            NonPagedPoolPages=pages.get("nonpaged_pool", 0),
        ),
    )
    out.stream(table.SYSTEM_MEMORY_INFO, wire.encode(record))
