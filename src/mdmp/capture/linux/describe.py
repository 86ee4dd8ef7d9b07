"""A process that stands still, or has crashed and is kept by the kernel -> `Snapshot`."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from mdmp.capture.linux.linker import read_linker
from mdmp.capture.linux.modules import find_modules
from mdmp.capture.linux.process import boot_time, read_handles, read_process, read_texts
from mdmp.capture.linux.system import read_system
from mdmp.capture.linux.threads import make_thread
from mdmp.formats.elf.core_structs import AT_PHDR
from mdmp.formats.proc.maps import Mapping, parse_maps
from mdmp.snapshot import Annotations, Region, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping as Dictionary

    from mdmp.capture.linux.memory import LiveMemory
    from mdmp.capture.linux.proc import Proc
    from mdmp.capture.options import CaptureOptions
    from mdmp.errors import Issue
    from mdmp.snapshot import Context, ExceptionRecord, Handle, Origin, Thread

WIDE = ("amd64", "arm64")


class Seen(NamedTuple):
    """What changes as soon as the process goes on."""

    cpu: str
    maps: tuple[Mapping, ...]
    texts: Dictionary[str, bytes]
    threads: tuple[Thread, ...]
    handles: tuple[Handle, ...]


def look(proc: Proc, contexts: Dictionary[int, Context | None]) -> Seen:
    """`contexts`: the registers of each thread, in the order that the snapshot will have."""
    texts = {name: proc.text(name) or b"" for name in ("maps", "status", "auxv")}
    maps, booted = parse_maps(texts["maps"]), boot_time()
    threads = tuple(make_thread(proc, tid, context, maps, booted) for tid, context in contexts.items())
    cpu = next((context.cpu for context in contexts.values() if context), "unknown")
    return Seen(cpu, maps, texts, threads, read_handles(proc))


def describe(
    proc: Proc,
    options: CaptureOptions,
    seen: Seen,
    memory: LiveMemory,
    *,
    origin: Origin,
    exceptions: tuple[ExceptionRecord, ...],
    comment: str,
    issues: tuple[Issue, ...],
) -> Snapshot:
    auxv = _auxiliary(seen.texts["auxv"], seen.cpu)
    modules = find_modules(seen.maps, memory, dict(auxv).get(AT_PHDR, 0))
    return Snapshot(
        origin=origin,
        system=read_system(seen.cpu),
        process=read_process(proc, options, seen.texts["status"]),
        threads=seen.threads,
        modules=modules,
        exceptions=exceptions,
        memory=memory,
        regions=tuple(map(_region, seen.maps)),
        handles=seen.handles,
        annotations=Annotations(
            comments=(comment,), texts=read_texts(proc, options, seen.texts["maps"], seen.texts["status"])
        ),
        auxv=auxv,
        linker=read_linker(memory, modules[0].base, 8 if seen.cpu in WIDE else 4) if modules else None,
        issues=issues,
    )


def _auxiliary(raw: bytes, cpu: str) -> tuple[tuple[int, int], ...]:
    pair = Struct("<QQ" if cpu in WIDE else "<II")
    return tuple((kind, value) for kind, value in pair.iter_unpack(raw[: len(raw) // pair.size * pair.size]) if kind)


def _region(mapping: Mapping) -> Region:
    kind = "mapped" if mapping.inode else "private"
    return Region(mapping.start, mapping.size, "commit", mapping.permissions, False, kind, mapping.path or None)
