"""A dump file of any kind -> `Snapshot`."""

import os

from mdmp.binary.clock import from_unix
from mdmp.binary.window import Window, map_file
from mdmp.dumpfile.annotations import load_annotations
from mdmp.dumpfile.attachments import load_attachments
from mdmp.dumpfile.context import Contexts
from mdmp.dumpfile.exception import exceptions_lost, load_exceptions
from mdmp.dumpfile.function_tables import load_function_tables
from mdmp.dumpfile.handles import load_handles
from mdmp.dumpfile.linker import load_auxv, load_linker
from mdmp.dumpfile.memory import DumpMemory, kept_ranges
from mdmp.dumpfile.modules import load_modules, load_unloaded_modules
from mdmp.dumpfile.process import load_process
from mdmp.dumpfile.regions import load_regions
from mdmp.dumpfile.system import load_system
from mdmp.dumpfile.threads import load_requesting_tid, load_threads
from mdmp.dumpfile.writer import guess_writer
from mdmp.formats.minidump.file import Minidump
from mdmp.snapshot import Origin, Snapshot


def load(source: str | os.PathLike[str] | Window) -> Snapshot:
    """The snapshot in a dump file. `UnusableInputError` when the file is none; lesser damage becomes issues."""
    return load_records(source)[0]


def load_records(source: str | os.PathLike[str] | Window) -> tuple[Snapshot, Minidump | None]:
    """The snapshot, and the minidump with its own records: None for another format."""
    window = source if isinstance(source, Window) else map_file(source)
    path = None if isinstance(source, Window) else os.fspath(source)
    head = window.read(0, min(4, window.size))
    if head == b"\x7fELF":
        from mdmp.dumpfile.core.load import load_core

        return load_core(window, path), None
    if head != b"MDMP":
        from mdmp.dumpfile.microdump import is_microdump, load_microdump

        if is_microdump(window):
            return load_microdump(window, path), None
    dump = Minidump(window)
    return load_minidump(dump, path), dump


def load_minidump(dump: Minidump, path: str | None = None) -> Snapshot:
    contexts, memory = Contexts(dump), DumpMemory(dump.window, kept_ranges(dump))
    os_name = load_system(dump, None).os
    exceptions = load_exceptions(dump, contexts)
    threads = load_threads(dump, contexts, memory, os_name == "windows")
    seen = (*(thread.context for thread in threads or ()), *(record.context for record in exceptions))
    cpus = (context.cpu for context in seen if context)
    writer, evidence = guess_writer(dump)
    return Snapshot(
        origin=Origin(
            kind="minidump",
            path=path,
            size=len(dump.window),
            time=from_unix(dump.header.TimeDateStamp),
            flags=dump.header.Flags,
            writer=writer,
            writer_evidence=evidence,
        ),
        system=load_system(dump, next(cpus, None)),
        process=load_process(dump),
        threads=threads,
        modules=load_modules(dump, os_name),
        unloaded_modules=load_unloaded_modules(dump),
        exceptions=exceptions,
        exceptions_lost=exceptions_lost(dump),
        requesting_tid=load_requesting_tid(dump),
        memory=memory,
        regions=load_regions(dump),
        handles=load_handles(dump),
        function_tables=load_function_tables(dump),
        auxv=load_auxv(dump),
        linker=load_linker(dump),
        annotations=load_annotations(dump),
        attachments=load_attachments(dump),
        issues=dump.issues.freeze(),
    )
