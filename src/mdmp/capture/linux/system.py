"""The machine and the system, from uname, /proc/cpuinfo and /proc/meminfo -> `System`."""

import os
import re

from mdmp.capture.linux.proc import read_text
from mdmp.formats.proc.cpuinfo import CpuInfo, parse_cpuinfo
from mdmp.formats.proc.status import number, parse_fields
from mdmp.snapshot import System

_EDX = (
    *("fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge", "mca", "cmov"),
    *(
        "pat",
        "pse36",
        "pn",
        "clflush",
        "",
        "dts",
        "acpi",
        "mmx",
        "fxsr",
        "sse",
        "sse2",
        "ss",
        "ht",
        "tm",
        "ia64",
        "pbe",
    ),
)
"""CPUID function 1, register edx: the kernel's name of each bit."""
_PLATFORM_ID = 0x8201


def read_system(cpu: str) -> System:
    """`cpu`: of the process, which may be another than the kernel's."""
    name = os.uname()
    text = read_text("/proc/cpuinfo") or b""
    info = parse_cpuinfo(text)
    x86 = cpu in ("amd64", "x86")
    version = re.match(r"\d+(?:\.\d+){0,2}", name.release)
    known = x86 and info.family is not None and info.model is not None
    return System(
        os="linux",
        cpu=cpu,
        os_version=version[0] if version else None,
        os_build=f"{name.sysname} {name.release} {name.version} {name.machine}",
        platform_id=_PLATFORM_ID,
        cpu_count=info.processors or os.cpu_count(),
        cpu_level=info.family if known else None,
        cpu_revision=(info.model or 0) << 8 | (info.stepping or 0) if known else None,
        cpu_vendor=info.vendor if x86 else None,
        cpu_model=f"family {info.family} model {info.model} stepping {info.stepping or 0}" if known else None,
        cpu_features=(_version(info), _features(text), 0) if known else (),
        memory=_memory(),
    )


def _version(info: CpuInfo) -> int:
    """CPUID function 1, register eax: what makes family, model and stepping."""
    family, model = info.family or 0, info.model or 0
    extended = max(0, family - 15)
    return extended << 20 | (model >> 4) << 16 | min(family, 15) << 8 | (model & 15) << 4 | (info.stepping or 0) & 15


def _features(text: bytes) -> int:
    flags = set(parse_fields(text.partition(b"\n\n")[0]).get("flags", "").split())
    return sum(1 << bit for bit, name in enumerate(_EDX) if name in flags)


def _memory() -> dict[str, int]:
    fields = parse_fields(read_text("/proc/meminfo") or b"")
    names = {
        "physical": "MemTotal",
        "available": "MemAvailable",
        "committed": "Committed_AS",
        "commit_limit": "CommitLimit",
    }
    found = {plain: number(fields, name) for plain, name in names.items()}
    counters = {plain: value * 1024 for plain, value in found.items() if value is not None}
    return {"page_size": os.sysconf("SC_PAGE_SIZE")} | counters
