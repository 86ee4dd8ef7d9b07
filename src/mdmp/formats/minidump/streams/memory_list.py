"""MemoryListStream (5): ranges whose bytes lie anywhere in the file."""

from collections.abc import Iterable

from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.header import MINIDUMP_MEMORY_DESCRIPTOR
from mdmp.formats.minidump.lists import RecordList, counted, pack_counted


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[MINIDUMP_MEMORY_DESCRIPTOR]:
    return counted(MINIDUMP_MEMORY_DESCRIPTOR, stream, issues, "MemoryRanges")


def encode(records: Iterable[MINIDUMP_MEMORY_DESCRIPTOR]) -> bytes:
    return pack_counted(records)
