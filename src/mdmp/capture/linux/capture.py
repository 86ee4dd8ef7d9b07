"""A live process -> `Snapshot`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import TYPE_CHECKING

from mdmp.capture.linux.copy import make_copy
from mdmp.capture.linux.freeze import freeze
from mdmp.capture.linux.inject import InjectionError
from mdmp.capture.linux.linker import read_linker
from mdmp.capture.linux.memory import LiveMemory, readable
from mdmp.capture.linux.modules import find_modules
from mdmp.capture.linux.permission import check
from mdmp.capture.linux.proc import Proc
from mdmp.capture.linux.process import read_handles, read_process, read_texts
from mdmp.capture.linux.registers import context_from_text, read_context, read_signal
from mdmp.capture.linux.system import read_system
from mdmp.capture.linux.threads import make_thread
from mdmp.errors import IssueLog
from mdmp.formats.elf.core_structs import AT_PHDR
from mdmp.formats.proc.maps import Mapping, parse_maps
from mdmp.snapshot import Annotations, Origin, Region, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as Dictionary

    from mdmp.capture.linux.copy import Copy
    from mdmp.capture.linux.freeze import Frozen
    from mdmp.capture.options import CaptureOptions
    from mdmp.snapshot import Context, ExceptionRecord


WIDE = ("amd64", "arm64")
COPIED = "read from a copy of its memory while it went on"
FROZEN = "read while it stood still"


@contextmanager
def capture_linux(
    pid: int, options: CaptureOptions, traced: Dictionary[int, int | None] | None = None
) -> Iterator[Snapshot]:
    """`traced`: threads that the calling thread traces already, as `freeze` takes them; then no copy is made, and the
    signals that they have stopped at become the exceptions of the snapshot."""
    proc = Proc(pid)
    check(proc)
    issues = IssueLog()
    with ExitStack() as stack:
        frozen = stack.enter_context(freeze(proc, options.limit, traced))
        moment = datetime.now(UTC)
        contexts, exceptions = frozen.call(_read_threads, frozen, issues)
        cpu = next((context.cpu for context in contexts.values() if context), "unknown")
        texts = {name: proc.text(name) or b"" for name in ("maps", "status", "auxv")}
        maps = parse_maps(texts["maps"])
        memory = LiveMemory(pid, readable(maps))
        threads = tuple(make_thread(proc, tid, context, maps) for tid, context in contexts.items())
        auxv = _auxiliary(texts["auxv"], cpu)
        handles = read_handles(proc)
        held = None
        if options.snapshot and traced is None and not frozen.stopped_before:
            try:
                copy = frozen.call(make_copy, frozen, contexts, maps, memory)
            except (InjectionError, OSError) as problem:
                issues.add("copy", f"not made, so the process stands still until everything is read: {problem}")
            else:
                stack.callback(_forget, frozen, copy)
                memory.close()
                memory = LiveMemory(copy.pid, readable(parse_maps(Proc(copy.pid).text("maps") or b"")), is_copy=True)
                frozen.call(frozen.release)
                held = timedelta(seconds=(frozen.until or frozen.since) - frozen.since)
        stack.callback(memory.close)
        modules = find_modules(maps, memory, dict(auxv).get(AT_PHDR, 0))
        yield Snapshot(
            origin=Origin("live", time=moment, writer="mdmp", method=COPIED if held else FROZEN, held=held),
            system=read_system(cpu),
            process=read_process(proc, options, texts["status"]),
            threads=threads,
            modules=modules,
            exceptions=exceptions,
            memory=memory,
            regions=tuple(map(_region, maps)),
            handles=handles,
            annotations=Annotations(
                comments=(_told(held),), texts=read_texts(proc, options, texts["maps"], texts["status"])
            ),
            auxv=auxv,
            linker=read_linker(memory, modules[0].base, 8 if cpu in WIDE else 4) if modules else None,
            issues=issues.freeze(),
        )


def _told(held: timedelta | None) -> str:
    """For the dump, what `Origin` says."""
    if held is None:
        return f"captured live, {FROZEN}"
    return f"captured live, {COPIED}; it stood still for {held.total_seconds() * 1000:.1f} ms"


def _forget(frozen: Frozen, copy: Copy) -> None:
    frozen.call(copy.end)
    frozen.call(copy.forget, frozen)


def _read_threads(frozen: Frozen, issues: IssueLog) -> tuple[dict[int, Context | None], tuple[ExceptionRecord, ...]]:
    """The registers of every thread, the main thread's first, and the signals that threads were about to get."""
    contexts = _contexts(frozen, issues)
    signalled = [tid for tid, number in frozen.signals.items() if number]
    records = (read_signal(tid, contexts.get(tid)) for tid in signalled)
    return contexts, tuple(record for record in records if record)


def _contexts(frozen: Frozen, issues: IssueLog) -> dict[int, Context | None]:
    found = {tid: read_context(tid) for tid in sorted(frozen.signals)}
    cpu = next((context.cpu for context in found.values() if context), "unknown")
    for tid in sorted(frozen.stuck):
        found[tid] = context_from_text(cpu, frozen.proc.text(f"task/{tid}/syscall"))
        issues.add(f"thread {tid}", "it waits in the kernel and cannot be stopped there: most registers are not known")
    return dict(sorted(found.items()))


def _auxiliary(raw: bytes, cpu: str) -> tuple[tuple[int, int], ...]:
    pair = Struct("<QQ" if cpu in WIDE else "<II")
    return tuple((kind, value) for kind, value in pair.iter_unpack(raw[: len(raw) // pair.size * pair.size]) if kind)


def _region(mapping: Mapping) -> Region:
    kind = "mapped" if mapping.inode else "private"
    return Region(mapping.start, mapping.size, "commit", mapping.permissions, False, kind, mapping.path or None)
