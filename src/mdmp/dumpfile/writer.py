"""Who wrote a dump, guessed from traits of the file, with the evidence."""

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import misc_info, table
from mdmp.formats.minidump.text import fixed_wide
from mdmp.formats.minidump.writer import WRITER

Guess = tuple[str, str]
"""Writer, evidence."""


def guess_writer(dump: Minidump) -> Guess | tuple[None, None]:
    """The first trait that fits, the most telling ones first."""
    if dump.header.Version >> 16 == WRITER:
        return "mdmp", f"the high word of its version is {WRITER:#x}"
    types = {entry.StreamType for entry in dump.directory if entry.Location.DataSize}
    for number, writer in _BY_STREAM:
        if number in types:
            return writer, f"it has a {table.stream_name(number)}"
    for comment in (*dump.streams(table.COMMENT_A), *dump.streams(table.COMMENT_W)):
        if "procdump" in comment.lower():
            return "ProcDump", f"its comment: {comment.strip()[:200]}"
    windows = _by_windows(dump, types)
    if windows:
        return windows
    if types & {table.LINUX_CPU_INFO, table.LINUX_MAPS, table.LINUX_PROC_STATUS}:
        if len(list(dump.entries(table.EXCEPTION))) > 1:
            return "LLDB", "Linux streams, and an ExceptionStream for more than one thread"
        return "Breakpad's Linux client or a descendant", "it has Breakpad's streams of Linux texts"
    return None, None


_BY_STREAM = (
    (table.CRASHPAD_INFO, "Crashpad"),
    (0x4B6B0001, "Kasko, through Windows' dbghelp"),
    (0x4B6B0002, "Syzygy or Crashpad with stability reports"),
    (table.SOFT_ERRORS, "the Rust minidump-writer"),
    (table.LINUX_LIMITS, "the Rust minidump-writer"),
    (table.MAC_CRASH_INFO, "the Rust minidump-writer or Mozilla's Breakpad"),
    (table.MAC_BOOT_ARGS, "the Rust minidump-writer or Mozilla's Breakpad"),
    (table.WINE_MODULE_LIST, "Wine"),
)


def _by_windows(dump: Minidump, types: set[int]) -> Guess | None:
    misc: misc_info.MiscInfo | None = dump.stream(table.MISC_INFO)
    build = ""
    if misc is not None and misc.has(misc_info.BUILDSTRING, 4):
        build = fixed_wide(misc.record.DbgBldStr)
    if build.startswith("crashpad"):
        return "Crashpad", f"its MiscInfo says {build}"
    if build.startswith("dbgeng"):
        return f"a Windows debugger ({build})", "its MiscInfo names the library that wrote it"
    library = f"Windows ({build})" if build else "Windows' dbghelp"
    if table.BREAKPAD_INFO in types:
        return f"Breakpad, through {library}" if build else "Breakpad", "it has a BreakpadInfoStream"
    if build:
        return library, "its MiscInfo names the library that wrote it"
    stamp = dump.header.Version >> 16
    if stamp and table.SYSTEM_INFO in types:
        return library, f"the high word of its version is set ({stamp:#06x})"
    return None
