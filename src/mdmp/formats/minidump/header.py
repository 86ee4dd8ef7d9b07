"""The header, the stream directory, and the locations that everything else is found by.

Source: minidumpapiset.h of the Windows SDK. An RVA is an offset from the start of the file.
"""

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog, UnusableInputError
from mdmp.formats.minidump.identify import describe

SIGNATURE = b"MDMP"
VERSION = 0xA793
MAX_STREAMS = 4096
"""Real dumps have a few dozen; the directory of a damaged one may claim billions."""


class MINIDUMP_LOCATION_DESCRIPTOR(Record, size=8):
    DataSize: u32
    Rva: u32


class MINIDUMP_MEMORY_DESCRIPTOR(Record, size=16):
    StartOfMemoryRange: u64
    Memory: MINIDUMP_LOCATION_DESCRIPTOR


class MINIDUMP_HEADER(Record, size=32):
    Signature: u32
    Version: u32
    """The low word is 0xA793, the high word is the writer's own."""
    NumberOfStreams: u32
    StreamDirectoryRva: u32
    CheckSum: u32
    TimeDateStamp: u32
    """Unix time; the same four bytes are called Reserved in older headers."""
    Flags: u64
    """MINIDUMP_TYPE bits: what the writer meant to keep."""


class MINIDUMP_DIRECTORY(Record, size=12):
    StreamType: u32
    Location: MINIDUMP_LOCATION_DESCRIPTOR


def read_header(window: Window) -> MINIDUMP_HEADER:
    """The header; `UnusableInputError` says what the file is when it is no minidump."""
    start = window.read(0, min(4, len(window)))
    if start != SIGNATURE:
        raise UnusableInputError(f"{window.name}: not a minidump: {describe(window)}")
    if len(window) < MINIDUMP_HEADER.SIZE:
        raise UnusableInputError(
            f"{window.name}: a minidump cut off inside its header: expected {MINIDUMP_HEADER.SIZE} bytes, "
            f"found {len(window)}"
        )
    return MINIDUMP_HEADER.read(window)


def read_directory(window: Window, header: MINIDUMP_HEADER, issues: IssueLog) -> tuple[MINIDUMP_DIRECTORY, ...]:
    """Every entry that the file holds, unused ones too; missing ones are an issue."""
    start, count, step = header.StreamDirectoryRva, header.NumberOfStreams, MINIDUMP_DIRECTORY.SIZE
    if header.Version & 0xFFFF != VERSION:
        problem = f"expected {VERSION:#06x} in the low word; found {header.Version:#010x}"
        issues.add("MINIDUMP_HEADER.Version", problem, 4)
    fits = min(count, max(0, len(window) - start) // step, MAX_STREAMS)
    if count and not fits:
        raise UnusableInputError(
            f"{window.name}: a minidump without a readable directory: expected {count} streams at {start:#x}, "
            f"found the end of the file at {len(window):#x}"
        )
    if fits < count:
        issues.add("MINIDUMP_HEADER.NumberOfStreams", f"expected {count} entries; found room for {fits}", start)
    return tuple(MINIDUMP_DIRECTORY.read_many(window, start, fits)) if fits else ()
