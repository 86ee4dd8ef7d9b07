"""MemoryInfoListStream (16): every region of the address space, as VirtualQuery saw it."""

from collections.abc import Iterable

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import RecordList, SizedListHeader64, pack_sized, sized


class MINIDUMP_MEMORY_INFO(Record, size=48):
    BaseAddress: u64
    AllocationBase: u64
    AllocationProtect: u32
    alignment1: u32
    RegionSize: u64
    State: u32
    Protect: u32
    Type: u32
    alignment2: u32


def decode(stream: Window, file: Window, issues: IssueLog) -> RecordList[MINIDUMP_MEMORY_INFO]:
    return sized(MINIDUMP_MEMORY_INFO, stream, issues, "Entries", SizedListHeader64)


def encode(records: Iterable[MINIDUMP_MEMORY_INFO]) -> bytes:
    return pack_sized(MINIDUMP_MEMORY_INFO, records, SizedListHeader64)
