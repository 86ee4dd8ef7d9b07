"""A minidump that somebody else writes, brought to the disk as safely as ours."""

from __future__ import annotations

import os
from mmap import mmap
from typing import TYPE_CHECKING

from mdmp.binary.window import map_file
from mdmp.dumpfile.memory import kept_ranges
from mdmp.dumpfile.part_file import PartFile
from mdmp.dumpfile.save import Saved
from mdmp.errors import FormatError, MdmpError, SaveError
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Callable


def save_foreign(
    path: str | os.PathLike[str] | PartFile, write: Callable[[int], None], *, replace: bool = True
) -> Saved:
    """`write` fills the open file whose number it is given, from its start.

    The dump appears under its name when it is on the disk and can be read; else nothing does. Raises `SaveError`, also
    when `write` raises `OSError`.
    """
    part = path if isinstance(path, PartFile) else PartFile(path, replace=replace)
    memory = 0

    def check(written: str) -> None:
        nonlocal memory
        memory = _memory_of(written)

    try:
        with part:
            write(part.file.fileno())
            part.commit(SIGNATURE, os.fstat(part.file.fileno()).st_size, check)
    except OSError as problem:
        raise SaveError(f"cannot write {part.name}: {problem.strerror or problem}") from None
    return Saved(part.name, os.stat(part.name).st_size, memory, ())


def _memory_of(path: str) -> int:
    """Bytes of memory in a dump; `SaveError` when it is none."""
    window = map_file(path)
    try:
        dump = Minidump(window)
        if dump.stream(table.THREAD_LIST) is None:
            raise FormatError("ThreadListStream", "there is none")
        return sum(kept_ranges(dump).sizes)
    except MdmpError as problem:
        raise SaveError(f"{path}: what was written cannot be read back: {problem}") from None
    finally:
        if isinstance(window.buffer, mmap):
            window.buffer.close()
