"""ThreadList (or ThreadExList) with ThreadInfoList, ThreadNames and BreakpadInfo <-> `Thread`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mdmp.binary.clock import from_filetime
from mdmp.dumpfile.context import Contexts
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import MemoryReader, Thread

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.breakpad_info import MINIDUMP_BREAKPAD_INFO
    from mdmp.formats.minidump.streams.thread_info_list import MINIDUMP_THREAD_INFO
    from mdmp.formats.minidump.streams.thread_list import MINIDUMP_THREAD
    from mdmp.formats.minidump.streams.thread_names import ThreadNameEntry

LAST_ERROR = {"x86": 0x34, "amd64": 0x68, "arm": 0x34, "arm64": 0x68}
"""Offset of TEB.LastErrorValue."""


def load_threads(dump: Minidump, contexts: Contexts, memory: MemoryReader, windows: bool) -> tuple[Thread, ...] | None:
    """In the order of the file; None when the dump has no thread list or an unreadable one."""
    records: RecordList[MINIDUMP_THREAD] | None = dump.stream(table.THREAD_LIST)
    if records is None:
        records = dump.stream(table.THREAD_EX_LIST)
    if records is None:
        return None
    names: tuple[ThreadNameEntry, ...] = dump.stream(table.THREAD_NAMES) or ()
    name_of = {entry.record.ThreadId: entry.name for entry in names}
    more_of = _thread_infos(dump)
    writer = _breakpad_threads(dump)[0]
    threads = []
    for index, record in enumerate(records):
        tid, teb, stack = record.ThreadId, record.Teb, record.Stack
        size = stack.Memory.DataSize
        context = contexts.load(record.ThreadContext, f"ThreadListStream.Threads[{index}].ThreadContext")
        last_error = None
        if windows and teb and context and context.cpu in LAST_ERROR:
            last_error = memory.word(teb + LAST_ERROR[context.cpu], 4)
        facts: dict[str, Any] = {"wrote_the_dump": True} if tid == writer else {}
        threads.append(
            Thread(
                tid=tid,
                context=context,
                name=name_of.get(tid),
                stack_start=stack.StartOfMemoryRange if size else None,
                stack_size=size or None,
                teb=teb or None,
                suspend_count=record.SuspendCount,
                priority_class=record.PriorityClass,
                priority=(record.Priority ^ 0x80000000) - 0x80000000,
                last_error=last_error,
                **(more_of.get(tid, {}) | facts),
            )
        )
    return tuple(threads)


def load_requesting_tid(dump: Minidump) -> int | None:
    """The thread that asked for the dump, where Breakpad noted it."""
    return _breakpad_threads(dump)[1]


def _thread_infos(dump: Minidump) -> dict[int, dict[str, Any]]:
    infos: RecordList[MINIDUMP_THREAD_INFO] | None = dump.stream(table.THREAD_INFO_LIST)
    if infos is None:
        return {}
    from mdmp.formats.minidump.streams.thread_info_list import INVALID_INFO, WRITING_THREAD

    found: dict[int, dict[str, Any]] = {}
    for info in infos:
        facts: dict[str, Any] = {"wrote_the_dump": bool(info.DumpFlags & WRITING_THREAD)}
        if not info.DumpFlags & INVALID_INFO:
            facts |= {
                "start_address": info.StartAddress,
                "create_time": from_filetime(info.CreateTime),
                "exit_time": from_filetime(info.ExitTime),
                "exit_status": info.ExitStatus,
                "kernel_time": timedelta(microseconds=info.KernelTime // 10),
                "user_time": timedelta(microseconds=info.UserTime // 10),
                "affinity": info.Affinity,
            }
        found[info.ThreadId] = facts
    return found


def _breakpad_threads(dump: Minidump) -> tuple[int | None, int | None]:
    """The threads that wrote and that asked for the dump."""
    info: MINIDUMP_BREAKPAD_INFO | None = dump.stream(table.BREAKPAD_INFO)
    if info is None:
        return None, None
    from mdmp.formats.minidump.streams.breakpad_info import DUMP_THREAD_ID, REQUESTING_THREAD_ID

    return (
        info.DumpThreadId if info.Validity & DUMP_THREAD_ID else None,
        info.RequestingThreadId if info.Validity & REQUESTING_THREAD_ID else None,
    )
