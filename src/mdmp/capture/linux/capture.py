"""A live process -> `Snapshot`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from struct import iter_unpack
from typing import TYPE_CHECKING

from mdmp.capture.linux.freeze import freeze
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
from mdmp.formats.minidump.streams import table
from mdmp.formats.proc.maps import Mapping, parse_maps
from mdmp.snapshot import Annotations, Attachment, Origin, Region, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.capture.linux.freeze import Frozen
    from mdmp.capture.options import CaptureOptions
    from mdmp.snapshot import Context


@contextmanager
def capture_linux(pid: int, options: CaptureOptions) -> Iterator[Snapshot]:
    proc = Proc(pid)
    check(proc)
    issues = IssueLog()
    with ExitStack() as stack:
        frozen = stack.enter_context(freeze(proc, options.limit))
        moment = datetime.now(UTC)
        contexts = frozen.call(_contexts, frozen, issues)
        cpu = next((context.cpu for context in contexts.values() if context), "unknown")
        exceptions = frozen.call(
            lambda: tuple(
                record
                for tid, number in frozen.signals.items()
                if number and (record := read_signal(tid, contexts.get(tid)))
            )
        )
        maps_text, status = proc.text("maps") or b"", proc.text("status") or b""
        auxv = proc.text("auxv") or b""
        maps = parse_maps(maps_text)
        memory = LiveMemory(pid, readable(maps))
        stack.callback(memory.close)
        yield Snapshot(
            origin=Origin("live", time=moment, writer="mdmp"),
            system=read_system(cpu),
            process=read_process(proc, options, status),
            threads=tuple(make_thread(proc, tid, context, maps) for tid, context in contexts.items()),
            modules=find_modules(maps, memory, _auxiliary(auxv, cpu).get(AT_PHDR, 0)),
            exceptions=exceptions,
            memory=memory,
            regions=tuple(map(_region, maps)),
            handles=read_handles(proc),
            annotations=Annotations(texts=read_texts(proc, options, maps_text, status)),
            attachments=_attachments(auxv),
            issues=issues.freeze(),
        )


def _contexts(frozen: Frozen, issues: IssueLog) -> dict[int, Context | None]:
    """The registers of every thread, the main thread's first."""
    found = {tid: read_context(tid) for tid in sorted(frozen.signals)}
    cpu = next((context.cpu for context in found.values() if context), "unknown")
    for tid in sorted(frozen.stuck):
        found[tid] = context_from_text(cpu, frozen.proc.text(f"task/{tid}/syscall"))
        issues.add(f"thread {tid}", "it waits in the kernel and cannot be stopped there: most registers are not known")
    return dict(sorted(found.items()))


def _auxiliary(raw: bytes, cpu: str) -> dict[int, int]:
    pair = "<QQ" if cpu in ("amd64", "arm64") else "<II"
    size = 16 if pair == "<QQ" else 8
    return dict(iter_unpack(pair, raw[: len(raw) // size * size]))


def _attachments(auxv: bytes) -> tuple[Attachment, ...]:
    if not auxv:
        return ()
    return (Attachment(table.LINUX_AUXV, table.stream_name(table.LINUX_AUXV), len(auxv), lambda: auxv),)


def _region(mapping: Mapping) -> Region:
    kind = "mapped" if mapping.inode else "private"
    return Region(mapping.start, mapping.size, "commit", mapping.permissions, False, kind, mapping.path or None)
