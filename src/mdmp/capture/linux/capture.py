"""A live process -> `Snapshot`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mdmp.capture import told
from mdmp.capture.linux.copy import USERFAULTFD, make_copy, refuse_fork_events
from mdmp.capture.linux.describe import describe, look
from mdmp.capture.linux.freeze import freeze
from mdmp.capture.linux.inject import InjectionError
from mdmp.capture.linux.memory import LiveMemory, readable
from mdmp.capture.linux.permission import check
from mdmp.capture.linux.proc import Proc
from mdmp.capture.linux.registers import context_from_text, read_context, read_signal
from mdmp.capture.linux.touched import touched_of
from mdmp.errors import IssueLog
from mdmp.formats.proc.maps import parse_maps
from mdmp.platforms.signals import signal_name
from mdmp.snapshot import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mdmp.capture.linux.copy import Copy
    from mdmp.capture.linux.describe import Seen
    from mdmp.capture.linux.freeze import Frozen, Traced
    from mdmp.capture.options import CaptureOptions
    from mdmp.snapshot import Context, ExceptionRecord, Snapshot

UNREADABLE = "its memory is missing: the system keeps it from us, as that of a program whose file we may not read"

_MAX_OTHERS = 16
"""Threads that are named beside the one that crashed."""


@contextmanager
def capture_linux(pid: int, options: CaptureOptions, traced: Traced | None = None) -> Iterator[Snapshot]:
    """`traced`: whom somebody has seized already. The first of the signals that threads have stopped at becomes the
    exception of the snapshot; few readers open dumps with several."""
    proc = Proc(pid)
    check(proc)
    issues = IssueLog()
    with ExitStack() as stack:
        frozen = stack.enter_context(freeze(proc, options.limit, traced))
        moment = datetime.now(UTC)
        contexts, exceptions = frozen.call(_read_threads, frozen, issues)
        seen = look(proc, contexts)
        served = [handle.value for handle in seen.handles if handle.type_name == USERFAULTFD]
        maps, memory = seen.maps, LiveMemory(proc.living, readable(seen.maps), by_file=bool(served))
        held, source = None, proc.living
        if not maps:
            issues.add("memory", UNREADABLE)
        wanted = options.snapshot and (traced is None or traced.resume is not None)
        if wanted and not frozen.stopped_before:
            try:
                refuse_fork_events(proc, served)
                copy = frozen.call(make_copy, frozen, contexts, maps, memory)
            except (InjectionError, OSError) as problem:
                issues.add("copy", f"not made, so the process stands still until everything is read: {problem}")
            else:
                stack.callback(_forget, frozen, copy)
                frozen.call(frozen.resume)
                held = timedelta(seconds=(frozen.until or frozen.since) - frozen.since)
                source, maps = copy.pid, parse_maps(Proc(copy.pid).text("maps") or b"")
        memory.close()
        memory = LiveMemory(source, touched_of(source, maps), by_file=held is not None or bool(served))
        stack.callback(memory.close)
        yield describe(
            proc,
            options,
            seen,
            memory,
            origin=Origin("live", time=moment, writer="mdmp", method=told.method(held), held=held),
            exceptions=exceptions[:1],
            comment="; ".join((told.comment(held), *_more(seen, exceptions[1:]))),
            issues=issues.freeze(),
        )


def _more(seen: Seen, others: Sequence[ExceptionRecord]) -> Iterator[str]:
    """What else the dump's comment says."""
    if not seen.maps:
        yield UNREADABLE
    for record in others[:_MAX_OTHERS]:
        yield f"thread {record.tid} was about to get {signal_name(record.code)}, too"
    if len(others) > _MAX_OTHERS:
        yield f"and so were {len(others) - _MAX_OTHERS} more threads"


def _forget(frozen: Frozen, copy: Copy) -> None:
    frozen.call(copy.end)
    frozen.call(copy.forget, frozen)


def _read_threads(frozen: Frozen, issues: IssueLog) -> tuple[dict[int, Context | None], tuple[ExceptionRecord, ...]]:
    """The registers of every thread, the main thread's first, and the signals that threads were about to get."""
    contexts = _contexts(frozen, issues)
    signalled = [tid for tid, number in frozen.signals.items() if number > 0]
    records = (read_signal(tid, contexts.get(tid)) for tid in signalled)
    return contexts, tuple(record for record in records if record)


def _contexts(frozen: Frozen, issues: IssueLog) -> dict[int, Context | None]:
    found = {tid: read_context(tid) for tid in sorted(frozen.signals)}
    cpu = next((context.cpu for context in found.values() if context), "unknown")
    for tid in sorted(frozen.stuck):
        found[tid] = context_from_text(cpu, frozen.proc.text(f"task/{tid}/syscall"))
        issues.add(f"thread {tid}", "it waits in the kernel and cannot be stopped there: most registers are not known")
    return dict(sorted(found.items()))
