"""A live process -> `Snapshot`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mdmp.capture import told
from mdmp.errors import IssueLog, UsageError
from mdmp.snapshot import Annotations, Origin, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mdmp.capture.options import CaptureOptions
    from mdmp.capture.windows.debugged import Debugged
    from mdmp.snapshot import Context, ExceptionRecord, Handle

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.contexts import FLAGS, ContextReader
from mdmp.capture.windows.copy import CopiedThread, Copy, copied
from mdmp.capture.windows.freeze import Frozen, freeze
from mdmp.capture.windows.handles import read_handles
from mdmp.capture.windows.memory import WindowsMemory, find_regions, readable
from mdmp.capture.windows.modules import find_modules, find_unloaded
from mdmp.capture.windows.permission import opened
from mdmp.capture.windows.process import read_process, read_secrets
from mdmp.capture.windows.system import cpu_of, read_system
from mdmp.capture.windows.threads import Seen, basic, make_thread


@contextmanager
def capture_windows(pid: int, options: CaptureOptions, debugged: Debugged | None = None) -> Iterator[Snapshot]:
    """`debugged`: the caller debugs the process, which stands still at an event. Then no copy is made, and its
    exceptions become those of the snapshot."""
    issues = IssueLog()
    with ExitStack() as stack:
        process = debugged.process if debugged else stack.enter_context(opened(pid))
        cpu, emulated = cpu_of(process)
        if cpu not in FLAGS:
            raise UsageError(f"process {pid} is for a processor that mdmp does not know")
        system, contexts = read_system(cpu), ContextReader(cpu, emulated)
        moment = datetime.now(UTC)
        copy = _copy(stack, process, cpu, emulated, issues) if options.snapshot and debugged is None else None
        if copy is not None:
            source, held = copy.process, copy.held
            seen = tuple(_seen_copied(stack, thread) for thread in copy.threads)
        else:
            source, held = process, None
            still = debugged is not None and debugged.stands_still
            frozen = stack.enter_context(freeze(process, pid, options.limit, still))
            seen = _seen_frozen(frozen, contexts, issues)
        regions = find_regions(source)
        memory = WindowsMemory(source, readable(regions))
        stack.callback(memory.close)
        priority_class = None
        with suppress(OSError):
            priority_class = win32.GetPriorityClass(process)
        threads = tuple(make_thread(thread, memory, regions, priority_class) for thread in seen)
        command_line, texts = read_secrets(process, cpu, emulated, memory, options, issues)
        yield Snapshot(
            origin=Origin("live", time=moment, writer="mdmp", method=told.method(held), held=held),
            system=system,
            process=replace(read_process(process, pid), command_line=command_line),
            threads=threads,
            modules=find_modules(process, emulated, memory, regions, issues),
            unloaded_modules=None if emulated else find_unloaded(memory),
            exceptions=_exceptions(debugged, {thread.tid: thread.context for thread in seen}),
            memory=memory,
            regions=regions,
            handles=_handles(process, pid, issues),
            annotations=Annotations(comments=(told.comment(held),), texts=texts),
            issues=issues.freeze(),
        )


def _copy(stack: ExitStack, process: int, cpu: str, emulated: bool, issues: IssueLog) -> Copy | None:
    """None, and an issue that says why, where none can be made."""
    problem = "registers of 32-bit programs are not in copies that a 64-bit process makes"
    if not emulated:
        try:
            return stack.enter_context(copied(process, FLAGS[cpu]))
        except OSError as refused:
            problem = str(refused.strerror)
    issues.add("copy", f"not made, so the process stands still until everything is read: {problem}")
    return None


def _seen_copied(stack: ExitStack, thread: CopiedThread) -> Seen:
    handle = None
    with suppress(OSError):  # it has ended meanwhile
        handle = stack.enter_context(win32.closing(win32.OpenThread(win32.THREAD_QUERY_INFORMATION, False, thread.tid)))
    return Seen(thread.tid, thread.context, thread.suspend_count, thread.teb, handle)


def _seen_frozen(frozen: Frozen, contexts: ContextReader, issues: IssueLog) -> tuple[Seen, ...]:
    """In the order in which they were born."""
    found = []
    for tid, held in frozen.threads.items():
        context = contexts.read(held.handle)
        if context is None:
            issues.add(f"thread {tid}", "its registers cannot be read: it is about to end")
        teb = 0
        with suppress(OSError):
            teb = basic(held.handle).TebBaseAddress or 0
        found.append(Seen(tid, context, held.suspend_count, teb, held.handle))
    return tuple(found)


def _exceptions(debugged: Debugged | None, contexts: Mapping[int, Context | None]) -> tuple[ExceptionRecord, ...]:
    """With the registers of their threads, which stand where the exception happened."""
    return tuple(
        replace(record, context=contexts.get(record.tid))
        if record.context is None and record.tid is not None
        else record
        for record in (debugged.exceptions if debugged else ())
    )


def _handles(process: int, pid: int, issues: IssueLog) -> tuple[Handle, ...] | None:
    try:
        return read_handles(process, pid)
    except OSError as problem:
        issues.add("handles", f"not known: {problem.strerror}")
        return None
