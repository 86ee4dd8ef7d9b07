"""MiscInfo, ProcessVmCounters and Linux texts <-> `Process`."""

import re
from datetime import timedelta

from mdmp.binary.clock import from_unix, to_unix
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import misc_info as wire
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.text import fixed_wide, pack_fixed_wide
from mdmp.formats.minidump.writer import Layout
from mdmp.formats.proc.status import memory_counters, number, parse_fields
from mdmp.platforms.vm_counters import VM_COUNTERS
from mdmp.snapshot import Process, Snapshot

MAX_COMMAND_LINE = 1 << 16


def load_process(dump: Minidump) -> Process:
    misc: wire.MiscInfo | None = dump.stream(table.MISC_INFO)
    facts: dict[str, object] = {} if misc is None else _misc(misc)
    status: bytes | None = dump.stream(table.LINUX_PROC_STATUS)
    fields = parse_fields(status or b"")
    facts.setdefault("pid", number(fields, "Pid"))
    command_line: bytes | None = dump.stream(table.LINUX_CMD_LINE)
    if command_line:
        words = command_line[:MAX_COMMAND_LINE].rstrip(b"\0").split(b"\0")
        facts["command_line"] = b" ".join(words).decode("utf-8", "replace")
    return Process(**facts, vm_counters=_vm_counters(dump) or memory_counters(fields))  # type: ignore[arg-type]


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


def _vm_counters(dump: Minidump) -> dict[str, int]:
    counters = dump.stream(table.PROCESS_VM_COUNTERS)
    if counters is None:
        return {}
    fields = counters.fields()
    return {plain: fields[name] for name, plain in VM_COUNTERS.items() if name in fields}


def save_process(snapshot: Snapshot, out: Layout) -> None:
    """A command line that no text of `Annotations.texts` tells becomes a Linux stream, for other systems too."""
    process = snapshot.process
    _save_misc(process, out)
    if process.command_line is not None and "cmdline" not in snapshot.annotations.texts:
        out.stream(table.LINUX_CMD_LINE, process.command_line.encode("utf-8", "replace") + b"\0")
    told = memory_counters(parse_fields(snapshot.annotations.texts.get("status", b"")))
    if process.vm_counters and process.vm_counters != told:
        _save_vm_counters(process, out)


def _save_misc(process: Process, out: Layout) -> None:
    """The oldest version of the structure that has room for what is known."""
    flags, version, values = 0, 1, {}
    if process.pid is not None:
        flags |= wire.PROCESS_ID
        values["ProcessId"] = process.pid & 0xFFFFFFFF
    if process.create_time is not None or process.user_time is not None:
        flags |= wire.PROCESS_TIMES
        values["ProcessCreateTime"] = to_unix(process.create_time)
        values["ProcessUserTime"] = _seconds(process.user_time)
        values["ProcessKernelTime"] = _seconds(process.kernel_time)
    for flag, name, value in (
        (wire.PROCESS_INTEGRITY, "ProcessIntegrityLevel", process.integrity_level),
        (wire.PROCESS_EXECUTE_FLAGS, "ProcessExecuteFlags", process.execute_flags),
        (wire.PROTECTED_PROCESS, "ProtectedProcess", process.protected),
    ):
        if value is not None:
            flags, version = flags | flag, 3
            values[name] = int(value) & 0xFFFFFFFF
    record = wire.MINIDUMP_MISC_INFO_5
    more: dict[str, object] = {}
    if process.time_zone is not None:
        flags, version = flags | wire.TIMEZONE, 3
        more |= {"TimeZoneId": 1, "TimeZone": _zone(process.time_zone)}
    if process.build is not None or process.debug_build is not None:
        flags, version = flags | wire.BUILDSTRING, 4
        more["BuildString"] = pack_fixed_wide(process.build or "", 520)
        more["DbgBldStr"] = pack_fixed_wide(process.debug_build or "", 80)
    if flags:
        out.stream(table.MISC_INFO, wire.encode(record.new(Flags1=flags, **values, **more), version))


def _seconds(time: timedelta | None) -> int:
    return min(max(0, int(time.total_seconds())), 0xFFFFFFFF) if time else 0


def _zone(text: str) -> wire.TIME_ZONE_INFORMATION:
    """Of a text as `_time_zone` makes it; UTC for any other."""
    found = re.fullmatch(r"UTC([+-])(\d+):(\d\d)(?: \((.*)\))?", text, re.DOTALL)
    if not found:
        return wire.TIME_ZONE_INFORMATION.new()
    minutes = min(int(found[2]), 0xFFFF) * 60 + int(found[3])
    bias = minutes if found[1] == "-" else -minutes
    name = (found[4] or "").encode("utf-16-le", "replace")[:64].ljust(64, b"\0")
    return wire.TIME_ZONE_INFORMATION.new(Bias=bias, StandardName=name)


def _save_vm_counters(process: Process, out: Layout) -> None:
    from mdmp.formats.minidump.streams import process_vm_counters as counters

    known = {wide: process.vm_counters[plain] for wide, plain in VM_COUNTERS.items() if plain in process.vm_counters}
    first, second = counters.MINIDUMP_PROCESS_VM_COUNTERS_1, counters.MINIDUMP_PROCESS_VM_COUNTERS_2
    values = {
        name: value & ((1 << 32) - 1 if name == "PageFaultCount" else (1 << 64) - 1) for name, value in known.items()
    }
    if set(known) <= set(first.FIELDS):
        out.stream(table.PROCESS_VM_COUNTERS, counters.encode(first.new(Revision=1, **values)))
    else:
        flags = counters.COUNTERS | counters.VIRTUALSIZE | counters.EX | counters.EX2 | counters.JOB
        out.stream(table.PROCESS_VM_COUNTERS, counters.encode(second.new(Revision=2, Flags=flags, **values)))
