"""x64 exception data: RUNTIME_FUNCTION and UNWIND_INFO, with the names of Microsoft's "x64 exception handling".

Plain functions over bytes and ints: they run once per frame of a stack. A table is never decoded as a whole.
"""

from struct import Struct
from typing import NamedTuple, Protocol

from mdmp.errors import FormatError
from mdmp.formats.pe import wire
from mdmp.formats.pe.image import ImageBytes

UWOP_PUSH_NONVOL = 0
UWOP_ALLOC_LARGE = 1
UWOP_ALLOC_SMALL = 2
UWOP_SET_FPREG = 3
UWOP_SAVE_NONVOL = 4
UWOP_SAVE_NONVOL_FAR = 5
UWOP_EPILOG = 6
UWOP_SPARE_CODE = 7
UWOP_SAVE_XMM128 = 8
UWOP_SAVE_XMM128_FAR = 9
UWOP_PUSH_MACHFRAME = 10

UNW_FLAG_EHANDLER = 1
UNW_FLAG_UHANDLER = 2
UNW_FLAG_CHAININFO = 4

MAX_CODES = 512
"""One part has 255 at most, and what a function saves is limited by its registers."""
MAX_CHAIN = 32
"""Longer chains of unwind information do not exist; a loop does."""

RuntimeFunction = tuple[int, int, int]
"""RVAs: begin, end (not included), unwind information."""

UnwindCode = tuple[int, int, int, int]
"""(offset in the prolog after the instruction, UWOP_*, OpInfo, operand in bytes).

The operand is the size of an allocation, the distance of a save from the frame base, or, of UWOP_EPILOG, the
12 bits made of OpInfo and offset.
"""

_ENTRY = Struct("<III")
_CHUNK = 256
_SLOTS = (1, 2, 1, 1, 2, 3, 2, 3, 2, 3, 1)


class UnwindImage(Protocol):
    """Code with unwind information, by addresses relative to some base: a `PeImage`, or code made at run time."""

    @property
    def data(self) -> ImageBytes: ...

    def read(self, rva: int, size: int) -> bytes: ...

    def directory(self, index: int) -> wire.IMAGE_DATA_DIRECTORY | None: ...


class UnwindInfo(NamedTuple):
    version: int
    flags: int
    prolog_size: int
    """In bytes."""
    frame_register: int
    """Number of the frame register, 0 for none."""
    frame_offset: int
    """Frame register minus frame base, in bytes."""
    codes: tuple[UnwindCode, ...]
    """In the order of unwinding: the last instruction of the prolog first."""
    epilogs: tuple[tuple[int, int], ...]
    """Version 2: (distance of an epilog's start from the end of the function, size), both in bytes.

    The epilog starts behind the freeing of the stack: with its pops. Of its last instruction one byte counts.
    """
    chained: RuntimeFunction | None
    handler: int | None
    """RVA of the language's exception handler."""
    handler_data: int | None
    """RVA of that handler's data."""


def find_function(image: UnwindImage, rva: int) -> RuntimeFunction | None:
    """The entry whose code holds `rva`; None when no entry does (a leaf function, or no code).

    Raises `FormatError` or `MemoryUnavailable` when the part of the table that matters is not there.
    """
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_EXCEPTION)
    if place is None:
        return None
    table, low, high = place[0], 0, place[1] // 12
    read = image.data.read
    while high - low > _CHUNK:
        middle = (low + high) // 2
        if int.from_bytes(read(table + 12 * middle, 4), "little") <= rva:
            low = middle
        else:
            high = middle
    raw = read(table + 12 * low, 12 * (high - low))
    entry = bisect_entries(raw, 12, rva)
    if entry < 0:
        return None
    found = _ENTRY.unpack_from(raw, 12 * entry)
    return found if rva < found[1] else None


def bisect_entries(raw: bytes, stride: int, rva: int) -> int:
    """Index of the last record whose first u32 is <= `rva`, -1 when none is."""
    low, high = 0, len(raw) // stride
    while low < high:
        middle = (low + high) // 2
        at = stride * middle
        if raw[at] | raw[at + 1] << 8 | raw[at + 2] << 16 | raw[at + 3] << 24 <= rva:
            low = middle + 1
        else:
            high = middle
    return low - 1


def read_raw_info(image: UnwindImage, rva: int) -> bytes:
    """The header and the codes of the UNWIND_INFO at `rva` as they are. Raises `FormatError` or `MemoryUnavailable`."""
    head = image.data.read(rva, 4)
    return head + image.data.read(rva + 4, 2 * head[2]) if head[2] else head


def read_unwind_info(image: UnwindImage, rva: int) -> UnwindInfo:
    """The UNWIND_INFO at `rva` (RUNTIME_FUNCTION.UnwindInfoAddress). Raises `FormatError` or `MemoryUnavailable`."""
    read = image.data.read
    raw = read_raw_info(image, rva)
    first, prolog_size, count, frame = raw[:4]
    version, flags = first & 7, first >> 3
    if version not in (1, 2):
        raise FormatError("UNWIND_INFO.Version", f"expected 1 or 2; found {version}", rva)
    codes, epilogs = _decode_codes(raw[4:], version, rva)
    after = rva + 4 + 2 * (count + 1 & ~1)
    chained = handler = handler_data = None
    if flags & UNW_FLAG_CHAININFO:
        chained = _ENTRY.unpack(read(after, 12))
    elif flags & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER):
        handler = int.from_bytes(read(after, 4), "little")
        handler_data = after + 4
    return UnwindInfo(
        version, flags, prolog_size, frame & 15, (frame >> 4) * 16, codes, epilogs, chained, handler, handler_data
    )


def unwind_chain(image: UnwindImage, function: RuntimeFunction) -> list[tuple[RuntimeFunction, UnwindInfo]]:
    """The function's own unwind information and that of each part it continues, the primary last.

    Raises `FormatError` (a chain without end, damage) or `MemoryUnavailable`.
    """
    chain = []
    codes = 0
    for _ in range(MAX_CHAIN):
        while function[2] & 1:  # the entry points at another entry instead of at UNWIND_INFO
            other = _ENTRY.unpack(image.data.read(function[2] & ~1, 12))
            if other[2] & 1:
                raise FormatError(
                    "RUNTIME_FUNCTION", "expected unwind information; found a second indirection", other[2]
                )
            function = (function[0], function[1], other[2])
        info = read_unwind_info(image, function[2])
        chain.append((function, info))
        codes += len(info.codes)
        if codes > MAX_CODES:
            raise FormatError(
                "UNWIND_INFO", f"expected at most {MAX_CODES} codes for a function; found more", function[2]
            )
        if info.chained is None:
            return chain
        function = info.chained
    raise FormatError("UNWIND_INFO", f"expected at most {MAX_CHAIN} chained parts; found more", function[2])


def _decode_codes(raw: bytes, version: int, rva: int) -> tuple[tuple[UnwindCode, ...], tuple[tuple[int, int], ...]]:
    codes: list[UnwindCode] = []
    epilogs: list[tuple[int, int]] = []
    at, end, epilog_size = 0, len(raw), 0
    while at < end:
        offset, op, info = raw[at], raw[at + 1] & 15, raw[at + 1] >> 4
        if op > UWOP_PUSH_MACHFRAME:
            raise FormatError("UNWIND_CODE.UnwindOp", f"expected 0 to 10; found {op}", rva + 4 + at)
        if op == UWOP_EPILOG and version == 2:
            # The first of them gives the size all epilogs have, and whether one stands at the very end.
            if not epilog_size:
                epilog_size = offset or 1
                if info & 1:
                    epilogs.append((offset, offset))
            elif offset | info:
                epilogs.append((offset | info << 8, epilog_size))
            at += 2
            continue
        slots = _SLOTS[op] + (op == UWOP_ALLOC_LARGE and info != 0)
        if at + 2 * slots > end:
            raise FormatError("UNWIND_CODE", f"expected {slots} slots; found {(end - at) // 2}", rva + 4 + at)
        operand = 0
        if op == UWOP_ALLOC_SMALL:
            operand = info * 8 + 8
        elif slots == 2:
            operand = (raw[at + 2] | raw[at + 3] << 8) * (16 if op == UWOP_SAVE_XMM128 else 8)
        elif slots == 3:
            operand = raw[at + 2] | raw[at + 3] << 8 | raw[at + 4] << 16 | raw[at + 5] << 24
        codes.append((offset, op, info, operand))
        at += 2 * slots
    return tuple(codes), tuple(epilogs)
