"""A core as it comes out of the kernel's pipe: what its notes tell, before any memory has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mdmp.binary.window import Window
from mdmp.dumpfile.core.threads import load_exceptions, load_threads
from mdmp.errors import FormatError, IssueLog, UnusableInputError
from mdmp.formats.elf.core_notes import CoreNotes
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.header import read_header, segments
from mdmp.formats.elf.structs import ET_CORE, PT_NOTE
from mdmp.snapshot import EmptyMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.errors import Issue
    from mdmp.snapshot import ExceptionRecord, Thread

_HEADER = 64
_MAX_NOTES = 1 << 26
"""Bytes up to the end of the notes. The kernel keeps notes below 16 MiB (core_file_note_size_limit)."""


class Crash(NamedTuple):
    threads: tuple[Thread, ...]
    """The one that got the signal comes first. Their numbers are those of the process's own pid namespace."""
    exceptions: tuple[ExceptionRecord, ...]
    issues: tuple[Issue, ...]


def read_start(read: Callable[[int], bytes]) -> bytes:
    """What comes before memory: the header, the program headers, the notes, which the kernel writes in this order.

    `read` gives so many bytes of the stream, fewer only at its end. `UnusableInputError` when this is no core.
    """
    raw = read(_HEADER)
    try:
        header = read_header(Window(raw, "core"))
        if header.type != ET_CORE:
            raise FormatError("e_type", f"expected {ET_CORE} (a core); found {header.type}")
        table_end = header.raw.e_phoff + header.raw.e_phnum * header.raw.e_phentsize
        raw += _more(read, table_end - len(raw))
        loads = segments(Window(raw, "core"), header, header.raw.e_phoff, header.raw.e_phnum)
    except FormatError as problem:
        raise UnusableInputError(f"not a core file: {problem}") from None
    notes_end = max((s.offset + s.file_size for s in loads if s.type == PT_NOTE), default=0)
    return raw + _more(read, min(notes_end, _MAX_NOTES) - len(raw))


def _more(read: Callable[[int], bytes], size: int) -> bytes:
    return read(min(size, _MAX_NOTES)) if size > 0 else b""


def load_crash(start: bytes) -> Crash:
    """`start`: what `read_start` gave. `UnusableInputError` when no thread is told of."""
    issues = IssueLog()
    try:
        core = Elf(Window(start, "core"))
    except FormatError as problem:
        raise UnusableInputError(f"not a core file: {problem}") from None
    notes = CoreNotes(core, issues)
    if not notes.threads:
        raise UnusableInputError("the core tells of no thread")
    issues_found = (*core.issues.freeze(), *issues.freeze())
    return Crash(load_threads(notes, EmptyMemory(), core.machine), load_exceptions(notes), issues_found)
