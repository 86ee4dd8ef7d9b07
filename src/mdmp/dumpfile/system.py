"""SystemInfo <-> `System`: processor and operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.system_info import SystemInfo, X86CpuInfo
from mdmp.snapshot import System

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
