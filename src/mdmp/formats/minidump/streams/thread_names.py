"""ThreadNamesStream (24)."""

from collections.abc import Iterable
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import counted, pack_counted
from mdmp.formats.minidump.text import Texts


class MINIDUMP_THREAD_NAME(Record, size=12):
    ThreadId: u32
    RvaOfThreadName: u64


class ThreadNameEntry(NamedTuple):
    record: MINIDUMP_THREAD_NAME
    name: str | None


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[ThreadNameEntry, ...]:
    records, texts = counted(MINIDUMP_THREAD_NAME, stream, issues, "ThreadNames"), Texts(file)
    return tuple(
        ThreadNameEntry(
            record,
            texts.optional_wide(record.RvaOfThreadName, issues, stream.name, "ThreadNames", index, "RvaOfThreadName"),
        )
        for index, record in enumerate(records)
    )


def encode(records: Iterable[MINIDUMP_THREAD_NAME]) -> bytes:
    return pack_counted(records)
