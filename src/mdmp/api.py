"""The one place where the layers are joined for callers.

Opening a dump needs neither symbols nor analysis, which take longer to import than a dump to open, and a handler of
crashes may need none of it: all is imported where it is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from mdmp.dumpfile.save import Saved
    from mdmp.report import Report
    from mdmp.snapshot import Snapshot
    from mdmp.symbols.symbols import Symbols

__all__ = [
    "analyze",
    "capture_process",
    "capture_with_dbghelp",
    "find_symbols",
    "open_dump",
    "save_dump",
    "write_report_beside",
]

AnyPath = str | os.PathLike[str]


def open_dump(path: AnyPath) -> Snapshot:
    """The snapshot that a minidump or a core file of Linux holds.

    The file is mapped, not read: memory and big lists are decoded when they are asked for, so the file has to
    stay where it is. Damaged parts are left out and named in `Snapshot.issues`.

    Raises `UnusableInputError` when the file is missing, empty, or no dump.
    """
    from mdmp.dumpfile.load import load

    return load(path)


def capture_process(
    pid: int, *, copy: bool = True, command_line: bool = False, environment: bool = False
) -> AbstractContextManager[Snapshot]:
    """A running process as it is at this moment: `with capture_process(pid) as snapshot:`.

    The snapshot is good inside the `with` only. With `copy` the process goes on at once where that is possible, and a
    copy of it is read; else it stands still until the end of the `with`. Command line and environment may hold
    secrets: they are kept only when asked for.

    Raises `UsageError` when we may not, and why; `UnusableInputError` when the process ended, or did not stop in time.
    """
    from mdmp.capture import CaptureOptions, capture

    return capture(pid, CaptureOptions(snapshot=copy, command_line=command_line, environment=environment))


def save_dump(
    snapshot: Snapshot,
    path: AnyPath,
    *,
    kind: str | int = "full",
    budget: int | None = None,
    scrub_stacks: bool = False,
    replace: bool = True,
    when_read: Callable[[], None] | None = None,
) -> Saved:
    """Writes a minidump, which appears under its name when it is complete and was read back; else nothing does.

    `kind` is `mini`, `triage`, `indirect`, `heap` (or `private`), `full`, or MINIDUMP_TYPE bits. `budget` limits the
    bytes of memory: the crashing thread's stack stays whole, and a comment in the dump says what was left out.
    `scrub_stacks` replaces what unwinding does not need. Command line and environment are kept only by `full`, and
    by bits that ask for them. `replace=False` refuses to replace an existing file. `when_read` is called as soon as the
    snapshot is not needed any more, before the file is brought to the disk: a process that stands still can go on.

    What is returned tells `path`, `size`, `memory` (bytes of it) and `lost` (what could not be kept, in words).
    Raises `SaveError` when the file cannot be written, `UsageError` for an unknown `kind`.
    """
    from mdmp.dumpfile.save_chosen import save_chosen

    return save_chosen(
        snapshot, path, kind=kind, budget=budget, scrub_stacks=scrub_stacks, replace=replace, when_read=when_read
    )


def capture_with_dbghelp(pid: int, path: AnyPath, *, kind: str | int = "full", scrub_stacks: bool = False) -> Saved:
    """A running process of Windows to a minidump by `MiniDumpWriteDump`, which Windows has itself, under its name when
    it is complete. `kind` is as in `save_dump`; the process stands still meanwhile.

    Raises `SaveError` when that fails, `UsageError` when we may not read the process, and on other systems.
    """
    import sys

    from mdmp.errors import UsageError

    if sys.platform == "win32":
        from mdmp.capture.windows.dbghelp import write_minidump
        from mdmp.capture.windows.permission import opened
        from mdmp.dumpfile.save_chosen import flags_of
        from mdmp.dumpfile.save_foreign import save_foreign

        flags = flags_of(kind, scrub_stacks)
        with opened(pid) as process:
            return save_foreign(path, lambda file: write_minidump(process, pid, file, flags))
    else:
        raise UsageError("only Windows has MiniDumpWriteDump: leave out --writer dbghelp")


def analyze(
    snapshot: Snapshot,
    *,
    symbols: Iterable[AnyPath] = (),
    images: Iterable[AnyPath] = (),
    sources: Iterable[AnyPath] = (),
    symbol_path: str | None = None,
    cache: AnyPath | None = None,
    max_frames: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """What a snapshot means: why the process stopped, where, every thread's stack, and what may be behind it.

    `symbols` and `images` are folders (plain or laid out as symbol stores) or single files, searched in order
    for PDBs and executables; `symbol_path` is a text in the syntax of `_NT_SYMBOL_PATH`, of which the local parts
    are used. The folder of the dump itself is searched last; for a core file, and a dump of this very Linux, also
    where programs and libraries lay when it was written, and this system's folder of debug files. `sources` are
    folders with source files.
    `cache` is a folder that keeps indexes of big symbol files from one run to the next. `max_frames` limits each stack
    (None: as far as makes sense).
    `progress` is called with a line of text now and then.
    """
    from pathlib import Path

    from mdmp.analysis.analyze import analyze_snapshot
    from mdmp.symbols.source_text import SourceFolders
    from mdmp.unwind import DEFAULT_LIMIT

    found = find_symbols(snapshot, symbols=symbols, images=images, symbol_path=symbol_path, cache=cache)
    folders = SourceFolders(tuple(Path(p) for p in (*sources, *_beside(snapshot))))
    limit = DEFAULT_LIMIT if max_frames is None else max_frames
    return analyze_snapshot(snapshot, found, folders, max_frames=limit, progress=progress)


def write_report_beside(path: AnyPath) -> str:
    """Analyzes a dump and leaves the report as `PATH.txt`, for its owner's eyes only; the path of that. An older one is
    replaced."""
    from mdmp.dumpfile.part_file import PartFile
    from mdmp.report import as_text
    from mdmp.report.options import RenderOptions

    report = analyze(open_dump(path), symbol_path=os.environ.get("_NT_SYMBOL_PATH"))
    text = as_text.render(report, RenderOptions()).encode(errors="backslashreplace")
    with PartFile(f"{os.fspath(path)}.txt") as part:
        part.commit(text, len(text), lambda _: None)
    return part.name


def find_symbols(
    snapshot: Snapshot,
    *,
    symbols: Iterable[AnyPath] = (),
    images: Iterable[AnyPath] = (),
    symbol_path: str | None = None,
    cache: AnyPath | None = None,
) -> Symbols:
    """The symbols of a snapshot's modules, searched for where `analyze` would when they are first needed."""
    from pathlib import Path

    from mdmp.symbols.path import Place, local_places, of_this_system
    from mdmp.symbols.symbols import Symbols

    beside = (Place(path, "beside the dump") for path in _beside(snapshot))
    return Symbols(
        snapshot.memory,
        symbols=(
            *(Place(os.fspath(p), "--symbols") for p in symbols),
            *local_places(symbol_path or "", "_NT_SYMBOL_PATH"),
            *beside,
            *of_this_system(snapshot),
        ),
        images=tuple(Place(os.fspath(p), "--images") for p in images),
        index_folder=Path(cache) if cache else None,
    )


def _beside(snapshot: Snapshot) -> tuple[str, ...]:
    return (os.path.dirname(snapshot.origin.path) or os.curdir,) if snapshot.origin.path else ()
