"""The machine and Windows -> `System`."""

from __future__ import annotations

import ctypes
import sys
import winreg
from contextlib import suppress

from mdmp.snapshot import System

assert sys.platform == "win32"

from mdmp.capture.windows import win32

_MACHINES = {0x14C: "x86", 0x8664: "amd64", 0x1C4: "arm", 0xAA64: "arm64"}
"""IMAGE_FILE_MACHINE_*"""
_ARCHITECTURES = {0: "x86", 5: "arm", 9: "amd64", 12: "arm64"}
"""PROCESSOR_ARCHITECTURE_*"""
_PLATFORM_NT = 2
_CPU_KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
_SYSTEM_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"


def cpu_of(process: int) -> tuple[str, bool]:
    """The processor that the program is for; whether that is emulated (WOW64) and seen from a native process."""
    emulated, native = ctypes.c_uint16(), ctypes.c_uint16()
    own = _ARCHITECTURES.get(_native().wProcessorArchitecture, "unknown")
    try:
        win32.IsWow64Process2(process, ctypes.byref(emulated), ctypes.byref(native))
    except OSError:  # before Windows 10
        is_emulated = ctypes.c_int32()
        win32.IsWow64Process(process, ctypes.byref(is_emulated))
        emulated.value = 0x14C if is_emulated.value else 0
    cpu = _MACHINES.get(emulated.value) if emulated.value else own
    return cpu or "unknown", bool(emulated.value) and ctypes.sizeof(ctypes.c_void_p) == 8


def read_system(cpu: str) -> System:
    """`cpu`: that of the captured program."""
    version = win32.OSVERSIONINFOEX()
    version.dwOSVersionInfoSize = ctypes.sizeof(version)
    win32.RtlGetVersion(ctypes.byref(version))
    machine = _native()
    return System(
        os="windows",
        cpu=cpu,
        os_version=f"{version.dwMajorVersion}.{version.dwMinorVersion}.{version.dwBuildNumber}",
        os_build=version.szCSDVersion or None,
        platform_id=_PLATFORM_NT,
        product_type=version.wProductType,
        suite_mask=version.wSuiteMask,
        cpu_count=machine.dwNumberOfProcessors,
        cpu_level=machine.wProcessorLevel,
        cpu_revision=machine.wProcessorRevision,
        cpu_vendor=registry_text(_CPU_KEY, "VendorIdentifier") if cpu == "x86" else None,
        cpu_features=() if cpu == "x86" else _features(),
        memory=_memory(),
    )


def build_text() -> str | None:
    """`19041.1.amd64fre.vb_release.191206-1406`"""
    return registry_text(_SYSTEM_KEY, "BuildLabEx")


def registry_text(key: str, name: str) -> str | None:
    """Of the local machine."""
    with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
        value, kind = winreg.QueryValueEx(opened, name)
        if kind == winreg.REG_SZ:
            return str(value)
    return None


def _native() -> win32.SYSTEM_INFO:
    info = win32.SYSTEM_INFO()
    win32.GetNativeSystemInfo(ctypes.byref(info))
    return info


def _features() -> tuple[int, int]:
    """PF_* as two words of 64 bits."""
    bits = sum(bool(win32.IsProcessorFeaturePresent(feature)) << feature for feature in range(128))
    return bits & (1 << 64) - 1, bits >> 64


def _memory() -> dict[str, int]:
    info = win32.PERFORMANCE_INFORMATION()
    info.cb = ctypes.sizeof(info)
    try:
        win32.GetPerformanceInfo(ctypes.byref(info), info.cb)
    except OSError:
        return {}
    page = info.PageSize
    pages = {
        "physical": info.PhysicalTotal,
        "available": info.PhysicalAvailable,
        "committed": info.CommitTotal,
        "commit_limit": info.CommitLimit,
        "peak_commit": info.CommitPeak,
        "paged_pool": info.KernelPaged,
        "nonpaged_pool": info.KernelNonpaged,
    }
    return {"page_size": page} | {name: count * page for name, count in pages.items()}
