"""UnloadedModuleListStream (14)."""

from collections.abc import Iterable
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import pack_sized, sized
from mdmp.formats.minidump.text import Texts


class MINIDUMP_UNLOADED_MODULE(Record, size=24):
    BaseOfImage: u64
    SizeOfImage: u32
    CheckSum: u32
    TimeDateStamp: u32
    ModuleNameRva: u32


class UnloadedModuleEntry(NamedTuple):
    record: MINIDUMP_UNLOADED_MODULE
    name: str | None


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[UnloadedModuleEntry, ...]:
    records, texts = sized(MINIDUMP_UNLOADED_MODULE, stream, issues, "Entries"), Texts(file)
    return tuple(
        UnloadedModuleEntry(
            record,
            texts.optional_wide(record.ModuleNameRva, issues, stream.name, "Entries", index, "ModuleNameRva"),
        )
        for index, record in enumerate(records)
    )


def encode(records: Iterable[MINIDUMP_UNLOADED_MODULE]) -> bytes:
    return pack_sized(MINIDUMP_UNLOADED_MODULE, records)
