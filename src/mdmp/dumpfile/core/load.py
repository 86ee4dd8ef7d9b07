"""A core file -> `Snapshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.dumpfile.core.images import image_at
from mdmp.dumpfile.core.modules import load_modules
from mdmp.dumpfile.core.process import load_process
from mdmp.dumpfile.core.regions import load_regions
from mdmp.dumpfile.core.threads import load_exceptions, load_threads
from mdmp.dumpfile.memory import DumpMemory, Kept, cut
from mdmp.errors import FormatError, IssueLog, UnusableInputError
from mdmp.formats.elf.core_notes import CoreNotes
from mdmp.formats.elf.core_structs import AT_SYSINFO_EHDR
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.structs import ET_CORE, PT_LOAD
from mdmp.snapshot import Origin, Snapshot, System

if TYPE_CHECKING:
    from mdmp.binary.window import Window
    from mdmp.snapshot import Module

_NOTE_OF_VERSION = 0


def load_core(window: Window, path: str | None = None) -> Snapshot:
    """The snapshot in a core file. `UnusableInputError` for another kind of ELF file."""
    try:
        core = Elf(window)
    except FormatError as problem:
        raise UnusableInputError(f"{path or window.name}: {problem}") from None
    if core.type != ET_CORE:
        raise UnusableInputError(f"{path or window.name}: an ELF file, but no core file: a program, library or object")
    issues = IssueLog()
    notes = CoreNotes(core, issues)
    memory = _memory(core, issues)
    regions = load_regions(core, notes)
    modules = load_modules(notes, memory, regions, core.header.address_size, issues)
    writer, evidence = _writer(core, notes)
    return Snapshot(
        origin=Origin("core", path, len(window), writer=writer, writer_evidence=evidence),
        system=_system(core, notes, memory, modules),
        process=load_process(notes, memory, core.header.address_size),
        threads=load_threads(notes, memory, core.machine),
        modules=modules,
        exceptions=load_exceptions(notes),
        memory=memory,
        regions=regions,
        auxv=tuple(notes.auxv.items()) or None,
        issues=(*core.issues.freeze(), *issues.freeze()),
    )


def _memory(core: Elf, issues: IssueLog) -> DumpMemory:
    loads = [segment for segment in core.segments if segment.type == PT_LOAD and segment.file_size]
    kept = Kept(
        [segment.address for segment in loads],
        [segment.file_size for segment in loads],
        [segment.offset for segment in loads],
    )
    return DumpMemory(core.window, cut(kept, core.window.size, issues))


def _system(core: Elf, notes: CoreNotes, memory: DumpMemory, modules: tuple[Module, ...]) -> System:
    os = modules[0].os if modules else None
    return System(os=os or "linux", cpu=core.machine, os_version=_kernel(memory, notes.auxv))


def _kernel(memory: DumpMemory, auxv: dict[int, int]) -> str | None:
    """The kernel puts its version into the image that it maps into every process (its patch level ends at 255)."""
    image = image_at(memory, auxv.get(AT_SYSINFO_EHDR, 0))
    for note in image.notes() if image else ():
        if note.name == "Linux" and note.type == _NOTE_OF_VERSION and note.content.size >= 4:
            code = note.content.u32(0)
            return f"{code >> 16}.{code >> 8 & 0xFF}.{code & 0xFF}"
    return None


def _writer(core: Elf, notes: CoreNotes) -> tuple[str | None, str | None]:
    """Who wrote it, going by what only one writer does."""
    if any(section.name.startswith("note0") for section in core.sections):
        return "gdb", "it has sections called note0 and load"
    if notes.files is None and notes.threads and notes.siginfo is None:
        return "QEMU or another program", "it lists no mapped files and no signal information, as the kernel would"
    if not core.sections and notes.siginfo is not None:
        return "the Linux kernel", "it has the kernel's notes and no sections"
    return None, None
