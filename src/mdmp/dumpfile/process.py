"""MiscInfo, ProcessVmCounters and Linux texts <-> `Process`."""

import re
from datetime import timedelta

from mdmp.binary.clock import from_unix
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import misc_info as wire
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.text import fixed_wide
from mdmp.snapshot import Process

MAX_COMMAND_LINE = 1 << 16


def load_process(dump: Minidump) -> Process:
    misc: wire.MiscInfo | None = dump.stream(table.MISC_INFO)
    facts: dict[str, object] = {} if misc is None else _misc(misc)
    facts.setdefault("pid", _linux_pid(dump))
    command_line: bytes | None = dump.stream(table.LINUX_CMD_LINE)
    if command_line:
        words = command_line[:MAX_COMMAND_LINE].rstrip(b"\0").split(b"\0")
        facts["command_line"] = b" ".join(words).decode("utf-8", "replace")
    return Process(**facts, vm_counters=_vm_counters(dump))  # type: ignore[arg-type]


def _misc(misc: wire.MiscInfo) -> dict[str, object]:
    record = misc.record
    facts: dict[str, object] = {}
    if misc.has(wire.PROCESS_ID):
        facts["pid"] = record.ProcessId
    if misc.has(wire.PROCESS_TIMES):
        facts["create_time"] = from_unix(record.ProcessCreateTime)
        facts["user_time"] = timedelta(seconds=record.ProcessUserTime)
        facts["kernel_time"] = timedelta(seconds=record.ProcessKernelTime)
    if misc.has(wire.PROCESS_INTEGRITY, 3):
        facts["integrity_level"] = record.ProcessIntegrityLevel
    if misc.has(wire.PROCESS_EXECUTE_FLAGS, 3):
        facts["execute_flags"] = record.ProcessExecuteFlags
    if misc.has(wire.PROTECTED_PROCESS, 3):
        facts["protected"] = bool(record.ProtectedProcess)
    if misc.has(wire.TIMEZONE, 3):
        facts["time_zone"] = _time_zone(record)
    if misc.has(wire.BUILDSTRING, 4):
        facts["build"] = fixed_wide(record.BuildString) or None
        facts["debug_build"] = fixed_wide(record.DbgBldStr) or None
    return facts


def _time_zone(record: wire.MINIDUMP_MISC_INFO_5) -> str:
    """`UTC+01:00 (Romance Standard Time)`: as it was in force, daylight saving counted when TimeZoneId says 2."""
    zone, daylight = record.TimeZone, record.TimeZoneId == 2
    minutes = -(zone.Bias + (zone.DaylightBias if daylight else zone.StandardBias))
    name = fixed_wide(zone.DaylightName if daylight else zone.StandardName)
    sign = "-" if minutes < 0 else "+"
    text = f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return f"{text} ({name})" if name else text


def _linux_pid(dump: Minidump) -> int | None:
    status: bytes | None = dump.stream(table.LINUX_PROC_STATUS)
    found = re.search(rb"^Pid:\s*(\d{1,10})\s*$", status, re.MULTILINE) if status else None
    return int(found[1]) if found else None


_COUNTERS = {
    "PageFaultCount": "page_faults",
    "PeakWorkingSetSize": "peak_working_set",
    "WorkingSetSize": "working_set",
    "QuotaPagedPoolUsage": "paged_pool",
    "QuotaNonPagedPoolUsage": "nonpaged_pool",
    "PagefileUsage": "pagefile",
    "PeakPagefileUsage": "peak_pagefile",
    "PeakVirtualSize": "peak_virtual",
    "VirtualSize": "virtual",
    "PrivateUsage": "private",
    "PrivateWorkingSetSize": "private_working_set",
    "SharedCommitUsage": "shared_commit",
    "JobPrivateCommitLimit": "job_private_commit_limit",
    "JobTotalCommitLimit": "job_total_commit_limit",
}


def _vm_counters(dump: Minidump) -> dict[str, int]:
    counters = dump.stream(table.PROCESS_VM_COUNTERS)
    if counters is None:
        return {}
    fields = counters.fields()
    return {plain: fields[name] for name, plain in _COUNTERS.items() if name in fields}
