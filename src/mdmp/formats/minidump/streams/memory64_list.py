"""Memory64ListStream (9): ranges whose bytes follow each other from BaseRva on, with 64-bit offsets."""

from array import array
from collections.abc import Sequence
from sys import byteorder
from typing import NamedTuple

from mdmp.binary.record import Record, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.lists import RecordList, entries


class MINIDUMP_MEMORY64_LIST(Record, size=16):
    NumberOfMemoryRanges: u64
    BaseRva: u64


class MINIDUMP_MEMORY_DESCRIPTOR64(Record, size=16):
    StartOfMemoryRange: u64
    DataSize: u64


class Memory64List(NamedTuple):
    header: MINIDUMP_MEMORY64_LIST
    ranges: RecordList[MINIDUMP_MEMORY_DESCRIPTOR64]
    """Range i lies at BaseRva plus the sizes of all ranges before it; the file may end earlier."""

    def columns(self) -> tuple[list[int], list[int]]:
        """Addresses and sizes, all at once: full dumps have tens of thousands of ranges."""
        numbers = array("Q", self.ranges.tobytes())
        if byteorder == "big":
            numbers.byteswap()
        return numbers[::2].tolist(), numbers[1::2].tolist()


def decode(stream: Window, file: Window, issues: IssueLog) -> Memory64List:
    header = MINIDUMP_MEMORY64_LIST.read(stream)
    kind, count = MINIDUMP_MEMORY_DESCRIPTOR64, header.NumberOfMemoryRanges
    return Memory64List(header, entries(kind, stream, header.SIZE, count, kind.SIZE, issues, "MemoryRanges"))


def encode(ranges: Sequence[tuple[int, int]], base_rva: int) -> bytes:
    """(start, size) of each range; their bytes follow each other from `base_rva` on."""
    header = MINIDUMP_MEMORY64_LIST((len(ranges), base_rva))
    numbers = array("Q", (number for one in ranges for number in one))
    if byteorder == "big":
        numbers.byteswap()
    return header.pack() + numbers.tobytes()
