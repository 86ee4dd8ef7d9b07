"""`__unwind_info`: two levels of pages that lead from an address to the compact encoding of how to unwind there.

Source: Apple's <mach-o/compact_unwind_encoding.h>.
"""

from typing import NamedTuple

from mdmp.errors import FormatError
from mdmp.formats.macho import structs as wire
from mdmp.formats.macho.contents import Bytes


class UnwindEntry(NamedTuple):
    """How to unwind from [start, end), addresses relative to the image's base.

    Linkers give neighbours with equal encodings one entry, so `start` need not begin a function.
    """

    start: int
    end: int
    encoding: int
    function: tuple[int, int]
    """[start, end) of the function as the table of function starts has it; without that table, of the entry."""


class UnwindInfo:
    """The section. Nothing is read but what a question needs. Raises `FormatError` or what reading raises."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        header = wire.unwind_info_section_header(
            wire.unwind_info_section_header.STRUCT.unpack(data.read(0, wire.unwind_info_section_header.SIZE))
        )
        if header.version != wire.UNWIND_SECTION_VERSION:
            raise FormatError("unwind_info.version", f"expected 1; found {header.version}", 0)
        self._common = header.commonEncodingsArraySectionOffset, header.commonEncodingsArrayCount
        self._index = header.indexSectionOffset
        # The last entry of the index only says where the code ends.
        self._pages = max(min(header.indexCount, (data.size - self._index) // 12) - 1, 0)

    def find(self, rva: int) -> tuple[int, int, int] | None:
        """(start, end, encoding) of the entry for an address; None where there is none."""
        page = self._last(self._index, 12, self._pages, rva, 0, 0xFFFFFFFF)
        if page < 0:
            return None
        row = self._index + 12 * page
        base, at, page_end = self._u32(row), self._u32(row + 4), self._u32(row + 12)
        if at == 0 or rva >= page_end:
            return None
        kind = self._u32(at)
        if kind == wire.UNWIND_SECOND_LEVEL_REGULAR:
            head = wire.unwind_info_regular_second_level_page_header
            raw = head(head.STRUCT.unpack(self._data.read(at, head.SIZE)))
            rows, count = at + raw.entryPageOffset, raw.entryCount
            i = self._last(rows, 8, count, rva, 0, 0xFFFFFFFF)
            if i < 0:
                return None
            end = self._u32(rows + 8 * (i + 1)) if i + 1 < count else page_end
            return self._u32(rows + 8 * i), end, self._u32(rows + 8 * i + 4)
        if kind != wire.UNWIND_SECOND_LEVEL_COMPRESSED:
            raise FormatError("unwind_info.kind", f"expected a page of kind 2 or 3; found {kind}", at)
        compressed = wire.unwind_info_compressed_second_level_page_header
        page_head = compressed(compressed.STRUCT.unpack(self._data.read(at, compressed.SIZE)))
        rows, count = at + page_head.entryPageOffset, page_head.entryCount
        i = self._last(rows, 4, count, rva, base, 0xFFFFFF)
        if i < 0:
            return None
        entry = self._u32(rows + 4 * i)
        end = base + (self._u32(rows + 4 * (i + 1)) & 0xFFFFFF) if i + 1 < count else page_end
        number = entry >> 24
        table, size = self._common
        if number >= size:
            number -= size
            table, size = at + page_head.encodingsPageOffset, page_head.encodingsCount
        if number >= size:
            raise FormatError("unwind_info", f"an entry has encoding {number} of {size}", rows + 4 * i)
        return base + (entry & 0xFFFFFF), end, self._u32(table + 4 * number)

    def _last(self, rows: int, stride: int, count: int, rva: int, base: int, mask: int) -> int:
        """The number of the last row that starts at or before `rva`; -1 when none does."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if base + (self._u32(rows + stride * middle) & mask) <= rva:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def _u32(self, at: int) -> int:
        return int.from_bytes(self._data.read(at, 4), "little")
