"""`Snapshot` -> a minidump file.

Every place in the file is given out first; memory comes last and is copied in small pieces, so that its size costs
time but no memory. What gets lost on the way is listed in `docs/writing.md`.
"""

from __future__ import annotations

import os
from mmap import mmap
from typing import TYPE_CHECKING, NamedTuple

from mdmp.binary.clock import to_unix
from mdmp.binary.window import map_file
from mdmp.dumpfile.annotations import save_annotations
from mdmp.dumpfile.attachments import save_attachments
from mdmp.dumpfile.exception import MAX_EXCEPTIONS, save_exceptions
from mdmp.dumpfile.function_tables import save_function_tables
from mdmp.dumpfile.handles import save_handles
from mdmp.dumpfile.linker import save_linker
from mdmp.dumpfile.memory import kept_ranges
from mdmp.dumpfile.memory_plan import MemoryPlan
from mdmp.dumpfile.modules import save_modules, save_unloaded_modules
from mdmp.dumpfile.part_file import PartFile
from mdmp.dumpfile.process import save_process
from mdmp.dumpfile.regions import save_regions
from mdmp.dumpfile.system import save_system
from mdmp.dumpfile.threads import save_threads
from mdmp.errors import SaveError
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MAX_STREAMS
from mdmp.formats.minidump.writer import CAPACITY, SIGNATURE, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mdmp.binary.ranges import Span
    from mdmp.snapshot import Snapshot

WITH_FULL_MEMORY = 0x2
_SAVERS = (
    save_system,
    save_process,
    save_modules,
    save_unloaded_modules,
    save_handles,
    save_function_tables,
    save_linker,
    save_annotations,
    save_regions,
)


class Saved(NamedTuple):
    path: str
    size: int
    """Of the file, holes included."""
    memory: int
    """Bytes of the process's memory in it."""
    lost: tuple[str, ...]
    """What could not be kept, in words."""


def save(
    snapshot: Snapshot,
    path: str | os.PathLike[str] | PartFile,
    *,
    ranges: Iterable[Span] | None = None,
    flags: int | None = None,
    time: datetime | None = None,
    replace: bool = True,
    when_read: Callable[[], None] | None = None,
) -> Saved:
    """Writes a minidump. The file appears under its name when it is complete, on the disk and read back; whatever
    happens before, nothing is left under that name.

    `path`: or a `PartFile` that was not entered yet, for more wishes about name and owner.
    `ranges`: (start, size) of the memory to keep, all that the snapshot has by default; `snapshot.select` chooses.
    `flags`: MINIDUMP_TYPE bits that tell what was meant to be kept, by default those of the snapshot's origin.
    `time`: of the capture, by default the origin's. `replace=False` refuses to replace a file of that name.
    `when_read`: called when the snapshot is not needed any more; a process that stands still for it can go on.

    Raises `SaveError` when the file cannot be written, `FormatError` when the snapshot does not fit the format.
    """
    flags = (snapshot.origin.flags or 0) if flags is None else flags
    plan = MemoryPlan(snapshot, ranges, bool(flags & WITH_FULL_MEMORY))
    out, lost = _layout(snapshot, plan)
    size = plan.place(out)
    head = out.head(to_unix(time or snapshot.origin.time), flags)
    part = path if isinstance(path, PartFile) else PartFile(path, replace=replace)
    foreign = {attachment.stream_type for attachment in snapshot.attachments}
    try:
        with part:
            part.file.write(head)
            for rva, data in out.bytes_of():
                part.file.seek(rva)
                part.file.write(data)
            unread = plan.copy(snapshot.memory, part.file)
            if when_read:
                when_read()
            part.commit(SIGNATURE, size, lambda written: _check(written, out, plan, size, foreign))
    except OSError as problem:
        raise SaveError(f"cannot write {part.name}: {problem.strerror or problem}") from None
    if unread:
        lost += (f"{unread} bytes of memory could not be read; they are zero in the dump",)
    return Saved(part.name, size, plan.size, lost)


def _layout(snapshot: Snapshot, plan: MemoryPlan) -> tuple[Layout, tuple[str, ...]]:
    exceptions, notes = min(len(snapshot.exceptions), MAX_EXCEPTIONS), len(snapshot.annotations.comments)
    out = Layout(min(CAPACITY + exceptions + notes + len(snapshot.attachments), MAX_STREAMS))
    for save_part in _SAVERS:
        save_part(snapshot, out)
    save_exceptions(snapshot, save_threads(snapshot, plan, out), out)
    plan.streams(out)
    return out, save_attachments(snapshot, out)


def _check(path: str, out: Layout, plan: MemoryPlan, size: int, foreign: set[int]) -> None:
    """Reads back what was written: every stream but the `foreign` ones, and where the memory lies."""
    window = map_file(path)
    try:
        _read_back(path, Minidump(window), out, plan, size, foreign)
    finally:
        if isinstance(window.buffer, mmap):
            window.buffer.close()  # Windows renames no file that is mapped


def _read_back(path: str, dump: Minidump, out: Layout, plan: MemoryPlan, size: int, foreign: set[int]) -> None:
    for index, entry in enumerate(dump.directory):
        if entry.StreamType not in foreign:
            dump.decode(index)
    found = sum(kept_ranges(dump).sizes)
    issues = dump.issues.freeze()
    if len(dump.window) != size or len(dump.directory) != len(out.directory) or found < plan.size or issues:
        problem = issues[0] if issues else "parts are missing"
        raise SaveError(f"{path}: what was written cannot be read back: {problem}")
