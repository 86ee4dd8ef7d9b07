"""HandleDataStream (12): open handles, with chains of object information in newer dumps."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.lists import SizedListHeader, entries, pack_sized
from mdmp.formats.minidump.text import Texts

MAX_CHAIN = 8
MAX_INFO = 0x100
"""The system's structures are shorter; a hostile file must not multiply its size through chains."""


class MINIDUMP_HANDLE_DESCRIPTOR(Record, size=32):
    Handle: u64
    TypeNameRva: u32
    ObjectNameRva: u32
    Attributes: u32
    GrantedAccess: u32
    HandleCount: u32
    PointerCount: u32


class MINIDUMP_HANDLE_DESCRIPTOR_2(Record, size=40):
    Handle: u64
    TypeNameRva: u32
    ObjectNameRva: u32
    Attributes: u32
    GrantedAccess: u32
    HandleCount: u32
    PointerCount: u32
    ObjectInfoRva: u32
    Reserved0: u32


class MINIDUMP_HANDLE_OBJECT_INFORMATION(Record, size=12):
    NextInfoRva: u32
    InfoType: u32
    """MINIDUMP_HANDLE_OBJECT_INFORMATION_TYPE: 1 thread, 2 and 3 mutant, 4 and 5 process, 6 event, 7 section…"""
    SizeOfInfo: u32


class ObjectInformation(NamedTuple):
    record: MINIDUMP_HANDLE_OBJECT_INFORMATION
    data: bytes


class HandleEntry(NamedTuple):
    record: MINIDUMP_HANDLE_DESCRIPTOR | MINIDUMP_HANDLE_DESCRIPTOR_2
    type_name: str | None
    object_name: str | None
    information: tuple[ObjectInformation, ...]


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[HandleEntry, ...]:
    head = SizedListHeader.read(stream)
    kind = MINIDUMP_HANDLE_DESCRIPTOR_2 if head.SizeOfEntry >= 40 else MINIDUMP_HANDLE_DESCRIPTOR
    records: Sequence[MINIDUMP_HANDLE_DESCRIPTOR | MINIDUMP_HANDLE_DESCRIPTOR_2] = entries(
        kind, stream, head.SizeOfHeader, head.NumberOfEntries, head.SizeOfEntry, issues, "Descriptors"
    )
    texts = Texts(file)
    found = []
    for index, record in enumerate(records):
        information: tuple[ObjectInformation, ...] = ()
        if isinstance(record, MINIDUMP_HANDLE_DESCRIPTOR_2):
            information = _chain(
                file, record.ObjectInfoRva, issues, f"{stream.name}.Descriptors[{index}].ObjectInfoRva"
            )
        where = (stream.name, "Descriptors", index)
        type_name = texts.optional_wide(record.TypeNameRva, issues, *where, "TypeNameRva")
        object_name = texts.optional_wide(record.ObjectNameRva, issues, *where, "ObjectNameRva")
        found.append(HandleEntry(record, type_name, object_name, information))
    return tuple(found)


def _chain(file: Window, rva: int, issues: IssueLog, place: str) -> tuple[ObjectInformation, ...]:
    chain: list[ObjectInformation] = []
    try:
        while rva and len(chain) < MAX_CHAIN:
            record = MINIDUMP_HANDLE_OBJECT_INFORMATION.read(file, rva)
            data = file.read(rva + record.SIZE, min(record.SizeOfInfo, MAX_INFO), "SizeOfInfo")
            chain.append(ObjectInformation(record, data))
            rva = record.NextInfoRva
    except FormatError as error:
        issues.add(f"{place}.ObjectInfoRva", error.problem, error.offset)
    return tuple(chain)


def encode(records: Iterable[MINIDUMP_HANDLE_DESCRIPTOR]) -> bytes:
    return pack_sized(MINIDUMP_HANDLE_DESCRIPTOR, records)
