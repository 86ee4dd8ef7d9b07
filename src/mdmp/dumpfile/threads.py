"""ThreadList (or ThreadExList) with ThreadInfoList, ThreadNames and BreakpadInfo <-> `Thread`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mdmp.binary.clock import from_filetime, to_filetime
from mdmp.dumpfile.context import Contexts, save_context
from mdmp.dumpfile.memory_plan import MemoryPlan
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import MemoryReader, Snapshot, Thread

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


_U32, _U64 = 0xFFFFFFFF, (1 << 64) - 1


def save_threads(snapshot: Snapshot, plan: MemoryPlan, out: Layout) -> dict[int, MINIDUMP_LOCATION_DESCRIPTOR]:
    """Returns where the context of each thread lies, by its id."""
    threads = snapshot.threads
    timed = any(thread.start_address is not None or thread.user_time is not None for thread in threads or ())
    _save_breakpad_info(snapshot, timed, out)
    if threads is None:
        return {}
    from mdmp.formats.minidump.streams import thread_list as wire

    windows = snapshot.system.os == "windows"
    contexts = [save_context(thread.context, windows, out) for thread in threads]

    def records() -> bytes:
        return wire.encode(
            wire.MINIDUMP_THREAD.new(
                ThreadId=thread.tid & _U32,
                SuspendCount=(thread.suspend_count or 0) & _U32,
                PriorityClass=(thread.priority_class or 0) & _U32,
                Priority=(thread.priority or 0) & _U32,
                Teb=(thread.teb or 0) & _U64,
                Stack=plan.stack(thread),
                ThreadContext=context,
            )
            for thread, context in zip(threads, contexts, strict=True)
        )

    out.stream_later(table.THREAD_LIST, 4 + len(threads) * wire.MINIDUMP_THREAD.SIZE, records)
    if timed:
        _save_infos(threads, out)
    _save_names(threads, out)
    return {thread.tid: context for thread, context in zip(threads, contexts, strict=True)}


def _save_names(threads: tuple[Thread, ...], out: Layout) -> None:
    named = [(thread.tid & _U32, thread.name) for thread in threads if thread.name is not None]
    if named:
        from mdmp.formats.minidump.streams import thread_names as wire

        records = [wire.MINIDUMP_THREAD_NAME((tid, out.wide(name))) for tid, name in named]
        out.stream(table.THREAD_NAMES, wire.encode(records))


def _save_infos(threads: tuple[Thread, ...], out: Layout) -> None:
    from mdmp.formats.minidump.streams import thread_info_list as wire

    records = []
    for thread in threads:
        flags = wire.WRITING_THREAD if thread.wrote_the_dump else 0
        if thread.start_address is None and thread.user_time is None:
            flags |= wire.INVALID_INFO
        records.append(
            wire.MINIDUMP_THREAD_INFO.new(
                ThreadId=thread.tid & _U32,
                DumpFlags=flags | (wire.EXITED_THREAD if thread.exit_time else 0),
                ExitStatus=(thread.exit_status or 0) & _U32,
                CreateTime=to_filetime(thread.create_time),
                ExitTime=to_filetime(thread.exit_time),
                KernelTime=_ticks(thread.kernel_time),
                UserTime=_ticks(thread.user_time),
                StartAddress=(thread.start_address or 0) & _U64,
                Affinity=(thread.affinity or 0) & _U64,
            )
        )
    out.stream(table.THREAD_INFO_LIST, wire.encode(records))


def _ticks(time: timedelta | None) -> int:
    return max(0, time // timedelta(microseconds=1) * 10) & _U64 if time else 0


def _save_breakpad_info(snapshot: Snapshot, timed: bool, out: Layout) -> None:
    """Who asked for the dump; and who wrote it, where ThreadInfoList does not say it."""
    from mdmp.formats.minidump.streams import breakpad_info as wire

    writer = next((thread.tid for thread in snapshot.threads or () if thread.wrote_the_dump and not timed), None)
    requester = snapshot.requesting_tid
    valid = 0 if writer is None else wire.DUMP_THREAD_ID
    valid |= 0 if requester is None else wire.REQUESTING_THREAD_ID
    if valid:
        record = wire.MINIDUMP_BREAKPAD_INFO((valid, (writer or 0) & _U32, (requester or 0) & _U32))
        out.stream(table.BREAKPAD_INFO, wire.encode(record))
