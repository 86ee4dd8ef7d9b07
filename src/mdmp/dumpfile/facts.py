"""What a dump says about itself, a minidump stream by stream, as plain values: the JSON of `mdmp info`.

Names and number formats are fixed: addresses, flags and type numbers as hexadecimal strings, all else as numbers.
"""

from typing import Any

from mdmp.dumpfile.memory import kept_ranges
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.flags import flag_names
from mdmp.formats.minidump.streams import breakpad_info, misc_info, table
from mdmp.formats.minidump.streams.exception import MINIDUMP_EXCEPTION_STREAM
from mdmp.formats.minidump.streams.system_info import SystemInfo
from mdmp.formats.minidump.text import fixed_wide
from mdmp.formats.proc.release import distribution
from mdmp.snapshot import Snapshot


def facts(dump: Minidump | None, snapshot: Snapshot) -> dict[str, Any]:
    """One object for the whole file; a part that the dump does not have is null. `dump` is None for other formats."""
    origin = snapshot.origin
    found = {
        "file": origin.path,
        "kind": origin.kind,
        "size": origin.size,
        "time": origin.time.isoformat() if origin.time else None,
        "writer": origin.writer,
        "writer_evidence": origin.writer_evidence,
        "header": header(dump) if dump else None,
        "streams": streams(dump) if dump else [],
        "system_info": system_info(dump) if dump else None,
        "misc_info": misc(dump) if dump else None,
        "exception": exception(dump) if dump else seen_exception(snapshot),
        "breakpad_info": breakpad(dump) if dump else None,
        "crashpad_info": crashpad(snapshot),
        "assertion": snapshot.annotations.assertion,
        "comments": list(snapshot.annotations.comments),
        "lsb_release": distribution(release) if (release := snapshot.annotations.texts.get("lsb-release")) else None,
        "thread_count": None if snapshot.threads is None else len(snapshot.threads),
        "module_count": None if snapshot.modules is None else len(snapshot.modules),
        "memory_bytes": sum(size for _, size in snapshot.memory.ranges),
        "memory_ranges": memory_ranges(dump, snapshot),
        "missing": missing(snapshot),
    }
    issues = dump.issues.freeze() if dump else snapshot.issues
    return found | {"issues": [{"place": i.place, "problem": i.problem, "offset": i.offset} for i in issues]}


def streams(dump: Minidump) -> list[dict[str, Any]]:
    return [
        {
            "type": f"{entry.StreamType:#x}",
            "name": table.stream_name(entry.StreamType),
            "size": entry.Location.DataSize,
            "rva": entry.Location.Rva,
        }
        for entry in dump.directory
    ]


def memory_ranges(dump: Minidump | None, snapshot: Snapshot) -> list[dict[str, Any]]:
    if dump is None:
        return [{"base": f"{start:#x}", "size": size} for start, size in snapshot.memory.ranges]
    kept = zip(*kept_ranges(dump), strict=True)
    return [{"base": f"{start:#x}", "size": size, "rva": rva} for start, size, rva in kept]


def header(dump: Minidump) -> dict[str, Any]:
    head = dump.header
    return {
        "version": f"{head.Version:#x}",
        "stream_count": head.NumberOfStreams,
        "stream_directory_rva": head.StreamDirectoryRva,
        "checksum": head.CheckSum,
        "timestamp": head.TimeDateStamp,
        "flags": f"{head.Flags:#x}",
        "flag_names": flag_names(head.Flags),
    }


def system_info(dump: Minidump) -> dict[str, Any] | None:
    info: SystemInfo | None = dump.stream(table.SYSTEM_INFO)
    if info is None:
        return None
    record = info.record
    return {
        "processor_architecture": f"{record.ProcessorArchitecture:#x}",
        "processor_level": record.ProcessorLevel,
        "processor_revision": f"{record.ProcessorRevision:#x}",
        "number_of_processors": record.NumberOfProcessors,
        "product_type": record.ProductType,
        "major_version": record.MajorVersion,
        "minor_version": record.MinorVersion,
        "build_number": record.BuildNumber,
        "platform_id": f"{record.PlatformId:#x}",
        "csd_version_rva": record.CSDVersionRva,
        "csd_version": info.csd_version or "",
        "suite_mask": f"{record.SuiteMask:#x}",
    }


_MISC_FIELDS = (
    (misc_info.PROCESS_ID, 1, "process_id", "ProcessId"),
    (misc_info.PROCESS_TIMES, 1, "process_create_time", "ProcessCreateTime"),
    (misc_info.PROCESS_TIMES, 1, "process_user_time", "ProcessUserTime"),
    (misc_info.PROCESS_TIMES, 1, "process_kernel_time", "ProcessKernelTime"),
    (misc_info.PROCESSOR_POWER_INFO, 2, "processor_max_mhz", "ProcessorMaxMhz"),
    (misc_info.PROCESSOR_POWER_INFO, 2, "processor_current_mhz", "ProcessorCurrentMhz"),
    (misc_info.PROCESSOR_POWER_INFO, 2, "processor_mhz_limit", "ProcessorMhzLimit"),
    (misc_info.PROCESS_INTEGRITY, 3, "process_integrity_level", "ProcessIntegrityLevel"),
    (misc_info.PROCESS_EXECUTE_FLAGS, 3, "process_execute_flags", "ProcessExecuteFlags"),
    (misc_info.PROTECTED_PROCESS, 3, "protected_process", "ProtectedProcess"),
    (misc_info.TIMEZONE, 3, "time_zone_id", "TimeZoneId"),
    (misc_info.PROCESS_COOKIE, 5, "process_cookie", "ProcessCookie"),
)


def misc(dump: Minidump) -> dict[str, Any] | None:
    info: misc_info.MiscInfo | None = dump.stream(table.MISC_INFO)
    if info is None:
        return None
    found: dict[str, Any] = {"version": info.version, "flags": f"{info.record.Flags1:#x}"}
    for flag, version, name, field in _MISC_FIELDS:
        if info.has(flag, version):
            found[name] = getattr(info.record, field)
    if info.has(misc_info.BUILDSTRING, 4):
        found["build_string"] = fixed_wide(info.record.BuildString)
        found["dbg_bld_str"] = fixed_wide(info.record.DbgBldStr)
    return found


def exception(dump: Minidump) -> dict[str, Any] | None:
    """The first one; LLDB's dumps may have more, which `mdmp streams` prints."""
    streams: tuple[MINIDUMP_EXCEPTION_STREAM, ...] = dump.streams(table.EXCEPTION)
    if not streams:
        return None
    record = streams[0].ExceptionRecord
    return {
        "tid": streams[0].ThreadId,
        "code": f"{record.ExceptionCode:#x}",
        "flags": f"{record.ExceptionFlags:#x}",
        "address": f"{record.ExceptionAddress:#x}",
        "parameters": [f"{value:#x}" for value in record.ExceptionInformation[: record.NumberParameters]],
        "nested": f"{record.ExceptionRecord:#x}",
    }


def seen_exception(snapshot: Snapshot) -> dict[str, Any] | None:
    """The same of a dump that is no minidump; an address that is not known is null."""
    if not snapshot.exceptions:
        return None
    record = snapshot.exceptions[0]
    return {
        "tid": record.tid,
        "code": f"{record.code:#x}",
        "flags": f"{record.flags:#x}",
        "address": None if record.address is None else f"{record.address:#x}",
        "parameters": [],
        "nested": f"{record.nested:#x}",
    }


def breakpad(dump: Minidump) -> dict[str, Any] | None:
    info: breakpad_info.MINIDUMP_BREAKPAD_INFO | None = dump.stream(table.BREAKPAD_INFO)
    if info is None:
        return None
    valid = info.Validity
    return {
        "dump_thread_id": info.DumpThreadId if valid & breakpad_info.DUMP_THREAD_ID else None,
        "requesting_thread_id": info.RequestingThreadId if valid & breakpad_info.REQUESTING_THREAD_ID else None,
    }


def crashpad(snapshot: Snapshot) -> dict[str, Any] | None:
    notes = snapshot.annotations
    if not (notes.report_id or notes.client_id or notes.process or notes.modules):
        return None
    return {
        "report_id": notes.report_id,
        "client_id": notes.client_id,
        "simple_annotations": dict(notes.process),
        "modules": {str(index): dict(values) for index, values in notes.modules.items()},
    }


def missing(snapshot: Snapshot) -> list[str]:
    """What an analysis would like to have and this dump does not give, in words."""
    threads, modules = snapshot.threads, snapshot.modules
    absent = {
        "no system information": snapshot.system.platform_id is None and snapshot.system.os == "unknown",
        "no thread list": threads is None,
        "no module list": modules is None,
        "no exception: the dump was taken on request, or its reason is elsewhere": not (
            snapshot.exceptions or snapshot.exceptions_lost
        ),
        "the dump is damaged where an exception would be": snapshot.exceptions_lost,
        "no memory at all": not snapshot.memory.ranges,
        "no memory map": snapshot.regions is None,
        "no unloaded modules": snapshot.unloaded_modules is None and snapshot.system.os == "windows",
        "no handles": snapshot.handles is None and snapshot.system.os == "windows",
        "no thread names": bool(threads) and not any(thread.name for thread in threads or ()),
    }
    found = [text for text, yes in absent.items() if yes]
    if threads and snapshot.memory.ranges:
        lost = sum(not snapshot.memory.read_some(t.stack_start, 1) for t in threads if t.stack_start is not None)
        lost += sum(t.stack_start is None for t in threads)
        found += [f"no stack memory of {lost} of {len(threads)} threads"] if lost else []
    if threads:
        lost = sum(thread.context is None for thread in threads)
        found += [f"no registers of {lost} of {len(threads)} threads"] if lost else []
    if modules:
        lost = sum(module.debug is None for module in modules)
        found += [f"no debug identity of {lost} of {len(modules)} modules: their images are needed"] if lost else []
    return found
