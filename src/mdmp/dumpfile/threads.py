"""ThreadList (or ThreadExList) with ThreadInfoList, ThreadNames and BreakpadInfo <-> `Thread`."""

from datetime import timedelta

from mdmp.binary.clock import from_filetime
from mdmp.dumpfile.context import Contexts
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.breakpad_info import (
    DUMP_THREAD_ID,
    MINIDUMP_BREAKPAD_INFO,
    REQUESTING_THREAD_ID,
)
from mdmp.formats.minidump.streams.thread_info_list import (
    INVALID_INFO,
    MINIDUMP_THREAD_INFO,
    WRITING_THREAD,
)
from mdmp.formats.minidump.streams.thread_list import MINIDUMP_THREAD
from mdmp.formats.minidump.streams.thread_names import ThreadNameEntry
from mdmp.snapshot import MemoryReader, Thread

LAST_ERROR = {4: 0x34, 8: 0x68}
"""TEB.LastErrorValue by the size of a pointer."""


def load_threads(dump: Minidump, contexts: Contexts, memory: MemoryReader, windows: bool) -> tuple[Thread, ...] | None:
    """In the order of the file; None when the dump has no thread list or an unreadable one."""
    records: RecordList[MINIDUMP_THREAD] | None = dump.stream(table.THREAD_LIST)
    if records is None:
        records = dump.stream(table.THREAD_EX_LIST)
    if records is None:
        return None
    names: tuple[ThreadNameEntry, ...] = dump.stream(table.THREAD_NAMES) or ()
    name_of = {entry.record.ThreadId: entry.name for entry in names}
    infos: RecordList[MINIDUMP_THREAD_INFO] | tuple[()] = dump.stream(table.THREAD_INFO_LIST) or ()
    info_of = {info.ThreadId: info for info in infos}
    writer = _breakpad_thread(dump, DUMP_THREAD_ID)
    threads = []
    for index, (tid, suspend, priority_class, priority, teb, stack, size, _, *rest) in enumerate(records.tuples()):
        place = f"ThreadListStream.Threads[{index}].ThreadContext"
        context = contexts.load(records[index].ThreadContext, place) if rest[0] else None
        info = info_of.get(tid)
        known = info if info and not info.DumpFlags & INVALID_INFO else None
        wide = 4 if context and context.cpu == "x86" else 8
        threads.append(
            Thread(
                tid=tid,
                context=context,
                name=name_of.get(tid) or None,
                stack_start=stack if size else None,
                stack_size=size or None,
                teb=teb or None,
                suspend_count=suspend,
                priority_class=priority_class,
                priority=(priority ^ 0x80000000) - 0x80000000,
                start_address=known.StartAddress if known else None,
                create_time=from_filetime(known.CreateTime) if known else None,
                exit_time=from_filetime(known.ExitTime) if known else None,
                exit_status=known.ExitStatus if known else None,
                kernel_time=timedelta(microseconds=known.KernelTime // 10) if known else None,
                user_time=timedelta(microseconds=known.UserTime // 10) if known else None,
                affinity=known.Affinity if known else None,
                last_error=memory.word(teb + LAST_ERROR[wide], 4) if teb and windows else None,
                wrote_the_dump=tid == writer or bool(info and info.DumpFlags & WRITING_THREAD),
            )
        )
    return tuple(threads)


def load_requesting_tid(dump: Minidump) -> int | None:
    """The thread that asked for the dump, where Breakpad noted it."""
    return _breakpad_thread(dump, REQUESTING_THREAD_ID)


def _breakpad_thread(dump: Minidump, flag: int) -> int | None:
    info: MINIDUMP_BREAKPAD_INFO | None = dump.stream(table.BREAKPAD_INFO)
    if info is None or not info.Validity & flag:
        return None
    return info.DumpThreadId if flag == DUMP_THREAD_ID else info.RequestingThreadId
