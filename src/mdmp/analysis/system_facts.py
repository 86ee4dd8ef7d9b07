"""Facts of the system and the process for the report, in the words that people and servers know."""

from collections.abc import Mapping
from datetime import timedelta

from mdmp.formats.proc.limits import parse_limits
from mdmp.formats.proc.release import distribution
from mdmp.platforms.windows_versions import windows_name
from mdmp.snapshot import Snapshot, System

_STACKWALK_NAMES = {
    "windows": "Windows NT",
    "macos": "Mac OS X",
    "ios": "iOS",
    "linux": "Linux",
    "android": "Android",
    "solaris": "Solaris",
    "ps3": "PS3",
    "nacl": "NaCl",
    "fuchsia": "Fuchsia",
}


def os_name(system: System) -> str:
    """minidump-stackwalk's word; an unknown system is its number."""
    known = _STACKWALK_NAMES.get(system.os)
    return known or (f"{system.platform_id:#010x}" if system.platform_id is not None else "unknown")


def os_version(system: System) -> str | None:
    """Version and build. Breakpad's Linux client has no version numbers but uname's words: name, release, version,
    machine; of these the middle."""
    words = (system.os_build or "").split()
    if system.os_version == "0.0.0" and words[:1] == ["Linux"] and len(words) > 3:
        return " ".join(words[1:-1])
    return " ".join(filter(None, (system.os_version, system.os_build))) or None


def product(snapshot: Snapshot) -> str | None:
    """The marketing name: `Windows 10 22H2`, `Ubuntu 22.04.3 LTS`."""
    system = snapshot.system
    if system.os == "linux":
        return lsb_release(snapshot).get("description") or None
    build = (system.os_version or "").rpartition(".")[2]
    return windows_name(int(build), system.product_type) if system.os == "windows" and build.isdigit() else None


def cpu_info(system: System) -> str | None:
    """`GenuineIntel family 6 model 42 stepping 7`; minidump-stackwalk names the maker of 32-bit processors only."""
    return " ".join(filter(None, (system.cpu_vendor if system.cpu == "x86" else None, system.cpu_model))) or None


def uptime(snapshot: Snapshot) -> timedelta | None:
    """From the start of the process to the dump; None if either is not known, or they contradict each other."""
    start, end = snapshot.process.create_time, snapshot.origin.time
    return end - start if start and end and end >= start else None


def annotations(snapshot: Snapshot) -> Mapping[str, str]:
    """Those of the process, then those of modules under `module: key`."""
    found = dict(snapshot.annotations.process)
    modules = snapshot.modules or ()
    for index, pairs in snapshot.annotations.modules.items():
        name = modules[index].name if index < len(modules) else f"module {index}"
        found.update({f"{name}: {key}": value for key, value in pairs.items()})
    return found


def lsb_release(snapshot: Snapshot) -> Mapping[str, str]:
    """The distribution: `id`, `release`, `codename`, `description`."""
    raw = snapshot.annotations.texts.get("lsb-release")
    return distribution(raw) if raw else {}


def stack_limit(snapshot: Snapshot) -> int | None:
    """Bytes that the first thread's stack may take, where /proc/PID/limits was kept and tells of a limit."""
    raw = snapshot.annotations.texts.get("limits")
    limit = parse_limits(raw).get("Max stack size") if raw else None
    return limit.soft if limit else None


def memory_map_count(snapshot: Snapshot) -> int | None:
    """Lines of /proc/PID/maps, Linux only."""
    raw = snapshot.annotations.texts.get("maps")
    return raw.count(b"\n") if raw else None
