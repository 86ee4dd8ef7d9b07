"""What the x86 unwinder needs: FRAMEDATA records with their programs, and the older FPO_DATA records.

Layout: FRAMEDATA and FPO_DATA in cvinfo.h and winnt.h; LLVM's DebugFrameDataSubsection. Programs are texts in /names.
"""

from bisect import bisect_right
from struct import Struct
from typing import NamedTuple

from mdmp.formats.pdb.msf import words

FRAME_HAS_SEH, FRAME_HAS_EH, FRAME_IS_FUNCTION_START = 1, 2, 4
FPO_FRAME_TYPES = ("fpo", "trap", "tss", "nonfpo")
_FRAMEDATA = Struct("<6I2HI")
_FPO_DATA = Struct("<3IHBB")
MAX_STEPS = 64
"""How many records before an address are asked whether they reach it; blocks nest a few levels deep."""


class FrameData(NamedTuple):
    """How to unwind [start, start + size), addresses relative to the image; sizes are in bytes.

    `program` is the postfix text that computes the caller's registers (empty for old FPO records, whose `type` says
    which kind of frame it is: fpo, trap, tss or nonfpo; FRAMEDATA records have the type framedata).
    """

    start: int
    size: int
    local_size: int
    params_size: int
    max_stack: int
    program: str
    prolog_size: int
    saved_regs_size: int
    flags: int
    type: str
    has_seh: bool
    uses_base_pointer: bool


class _RangeTable:
    """Records of one size that start with (start, size), sorted by start; searched in their bytes."""

    def __init__(self, data: bytes, layout: Struct) -> None:
        count = len(data) // layout.size
        data = data[: count * layout.size]
        starts = words(data)[:: layout.size // 4].tolist()
        if any(map(int.__gt__, starts, starts[1:])):
            order = sorted(range(count), key=starts.__getitem__)
            data = b"".join(data[i * layout.size : (i + 1) * layout.size] for i in order)
            starts.sort()
        self._data = data
        self._layout = layout
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts)

    def get(self, index: int) -> tuple[int, ...]:
        return self._layout.unpack_from(self._data, index * self._layout.size)

    def find(self, rva: int) -> tuple[int, ...] | None:
        """The record that starts last among those that cover `rva`."""
        i = bisect_right(self._starts, rva) - 1
        for index in range(i, max(i - MAX_STEPS, -1), -1):
            record = self.get(index)
            if rva < record[0] + record[1]:
                return record
        return None


class FrameTable:
    """FRAMEDATA: the "new FPO" stream, or a DEBUG_S_FRAMEDATA subsection (with 4 bytes before the records)."""

    def __init__(self, data: bytes) -> None:
        self._table = _RangeTable(data[4:] if len(data) % _FRAMEDATA.size == 4 else data, _FRAMEDATA)

    def __len__(self) -> int:
        return len(self._table)

    def find(self, rva: int) -> tuple[FrameData, int] | None:
        """The record for an address, and the offset of its program in /names."""
        found = self._table.find(rva)
        return _frame(found) if found else None

    def get(self, index: int) -> tuple[FrameData, int]:
        return _frame(self._table.get(index))


class FpoTable:
    """FPO_DATA: what Visual C++ 6 and hand-written assembly have."""

    def __init__(self, data: bytes) -> None:
        self._table = _RangeTable(data, _FPO_DATA)

    def __len__(self) -> int:
        return len(self._table)

    def find(self, rva: int) -> FrameData | None:
        found = self._table.find(rva)
        return _fpo(found) if found else None

    def get(self, index: int) -> FrameData:
        return _fpo(self._table.get(index))


def _frame(record: tuple[int, ...]) -> tuple[FrameData, int]:
    start, size, local, params, stack, program, prolog, saved, flags = record
    frame = FrameData(
        start, size, local, params, stack, "", prolog, saved, flags, "framedata", bool(flags & FRAME_HAS_SEH), False
    )
    return frame, program


def _fpo(record: tuple[int, ...]) -> FrameData:
    start, size, local_words, param_words, prolog, bits = record
    # bits: 0-2 saved registers, 3 has SEH, 4 uses ebp, 5 reserved, 6-7 frame type
    kind = FPO_FRAME_TYPES[bits >> 6]
    return FrameData(
        *(start, size, 4 * local_words, 4 * param_words, 0, "", prolog, 4 * (bits & 7), bits, kind),
        has_seh=bool(bits & 8),
        uses_base_pointer=bool(bits & 16),
    )
