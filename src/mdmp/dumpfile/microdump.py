"""A microdump -> `Snapshot`: one thread, its stack and its registers, the modules."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from mdmp.binary.window import Window
from mdmp.dumpfile.memory import DumpMemory, Kept
from mdmp.errors import FormatError, Issue
from mdmp.formats.microdump.microdump import Microdump, find
from mdmp.formats.minidump.contexts.choose import decode_context
from mdmp.snapshot import Annotations, Context, DebugId, ExceptionRecord, Module, Origin, Snapshot, System, Thread

if TYPE_CHECKING:
    from mdmp.formats.microdump.microdump import ModuleLine

_CPUS = {
    "x86": ("x86", 0),
    "x86_64": ("amd64", 9),
    "arm": ("arm", 5),
    "arm64": ("arm64", 0x8003),
    "mips": ("mips", 1),
    "mips64": ("mips64", 0x8004),
}
"""The writer's word for a processor: our name, and the number that minidumps have for it."""
_TID = 0
"""Nobody wrote down which thread it was."""


def is_microdump(window: Window) -> bool:
    return find(window) is not None


def load_microdump(window: Window, path: str | None = None) -> Snapshot:
    """The snapshot in the first microdump of a file; what is damaged becomes issues."""
    dump = Microdump(window)
    os = {"A": "android", "L": "linux"}.get(dump.os, "unknown")
    cpu, architecture = _CPUS.get(dump.architecture, ("unknown", None))
    context, issues = _context(dump.context, architecture)
    memory = _memory(dump.pieces)
    stack, signal = dump.stack, dump.signal
    return Snapshot(
        origin=Origin("microdump", path, len(window), writer="Breakpad's Linux client, as text for a log"),
        system=System(os=os, cpu=cpu, os_build=dump.os_version or None, cpu_count=dump.cpu_count),
        threads=(Thread(_TID, context, stack_start=stack and stack.start, stack_size=stack and stack.size),),
        modules=tuple(_module(line, os) for line in dump.modules),
        exceptions=(ExceptionRecord(_TID, signal.number, 0, signal.address, context=context),) if signal else (),
        memory=memory,
        annotations=Annotations(process=_notes(dump)),
        issues=(*dump.issues, *issues),
    )


def _context(raw: bytes, architecture: int | None) -> tuple[Context | None, tuple[Issue, ...]]:
    try:
        found = decode_context(Window(raw, "microdump C"), architecture)
    except FormatError as error:
        return None, (Issue(error.place, error.problem),)
    return Context(found.cpu, found.registers, found.vector, found.xstate), ()


def _memory(pieces: list[tuple[int, bytes]]) -> DumpMemory:
    starts = [address for address, _ in pieces]
    sizes = [len(data) for _, data in pieces]
    offsets = list(accumulate(sizes, initial=0))[:-1]
    return DumpMemory(Window(b"".join(data for _, data in pieces), "microdump S"), Kept(starts, sizes, offsets))


def _module(line: ModuleLine, os: str) -> Module:
    debug = DebugId("elf", line.identifier, line.age, "") if any(line.identifier) else None
    return Module(line.start, line.size, line.name, debug=debug, os=os)


def _notes(dump: Microdump) -> dict[str, str]:
    notes = {
        "product": dump.product,
        "process type": dump.process_type,
        "hardware": dump.hardware,
        "GPU": dump.gpu,
    }
    return {key: text for key, text in notes.items() if text and not text.startswith("UNKNOWN")}
