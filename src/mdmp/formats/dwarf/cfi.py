"""Call-frame information: `.eh_frame` and `.debug_frame`. From an address to the entry (FDE) that covers it.

No entry is decoded but those that a question needs, unless there is no `.eh_frame_hdr`: then all are listed once.
Source: DWARF 5, section 6.4; the Linux Standard Base for the pointer encodings and augmentations of `.eh_frame`.
"""

from typing import NamedTuple, Protocol

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError
from mdmp.formats.dwarf.cfa import Cie, Row, run
from mdmp.formats.dwarf.leb import PAD, cstring, sleb, uleb

DW_EH_PE_omit = 0xFF
_FIXED = {0x02: 2, 0x03: 4, 0x04: 8, 0x0A: 2, 0x0B: 4, 0x0C: 8}
_SIGNED = (0x0A, 0x0B, 0x0C)
_PCREL, _DATAREL = 0x10, 0x30

MAX_ENTRY = 1 << 20
"""Bytes of one entry; compilers stay below a few thousand."""
_INDEX_ENCODING = 0x3B
"""What every linker writes: offsets of 4 bytes from the start of `.eh_frame_hdr`."""


class Bytes(Protocol):
    """The bytes of a section: a `Window`, or memory of a process that stands for one."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes; raises `FormatError` or `MemoryUnavailable`."""


class FrameSection(NamedTuple):
    """A section with call-frame information, and the linked address that its own pointers are relative to."""

    data: Bytes
    address: int = 0
    is_eh: bool = True
    """`.eh_frame`; else `.debug_frame`."""


class Fde(NamedTuple):
    """A function's entry: how to unwind out of [start, end), addresses as linked."""

    start: int
    end: int
    cie: Cie
    instructions: bytes


class CallFrames:
    """The call-frame information of one image. Addresses are as linked.

    `index` is `.eh_frame_hdr` and its address, which makes look-ups a binary search.
    """

    def __init__(self, section: FrameSection, address_size: int, index: tuple[Bytes, int] | None = None) -> None:
        self._section = section
        self._address_size = address_size
        self._index = index
        self._table: tuple[int, int] | None = None
        self._all: RangeMap[int] | None = None
        self._cies: dict[int, Cie] = {}
        self._cie_bytes = 0

    def row(self, address: int, at: int | None = None) -> Row | None:
        """How to unwind from the instruction at `address`; None where no entry covers it.

        `at` is the offset of its entry where another table tells it. Raises `FormatError` (or what reading raises)
        where the entry is damaged.
        """
        fde = self._covering(at, address) if at is not None else self.find(address)
        return run(fde.cie, fde.instructions, fde.start, fde.end, address) if fde else None

    def find(self, address: int) -> Fde | None:
        at = self._by_index(address) if self._index else None
        if at is None:
            if self._all is None:
                self._all = RangeMap(self._list())
            at = self._all.get(address)
        return self._covering(at, address) if at is not None and at >= 0 else None

    def _covering(self, at: int, address: int) -> Fde | None:
        """The entry at an offset, if it covers the address."""
        fde = self._fde(at)
        return fde if fde and fde.start <= address < fde.end else None

    # The index

    def _by_index(self, address: int) -> int | None:
        """The offset of the entry that may cover an address; -1 where none does; None when the index is no help."""
        assert self._index
        data, base = self._index
        if self._table is None:
            self._table = self._read_index(data, base)
        first, count = self._table
        if not count:
            return None
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if base + _i32(data.read(first + 8 * middle, 4)) <= address:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return -1
        return base + _i32(data.read(first + 8 * (low - 1) + 4, 4)) - self._section.address

    def _read_index(self, data: Bytes, base: int) -> tuple[int, int]:
        """(offset of the table, how many rows); no rows when it is not of the usual form."""
        head = data.read(0, min(data.size, 32)) + PAD
        if head[0] != 1 or head[3] != _INDEX_ENCODING or head[2] == DW_EH_PE_omit:
            return 0, 0
        _, at = self._pointer(head, 4, head[1], base)
        count, at = self._pointer(head, at, head[2], base)
        return at, count if at + 8 * count <= data.size else (data.size - at) // 8

    def _list(self) -> list[tuple[int, int, int]]:
        """(start, end, offset) of every entry; ends at the first one that cannot be read."""
        found: list[tuple[int, int, int]] = []
        at, size = 0, self._section.data.size
        while at + 4 <= size:
            try:
                fde = self._fde(at)
                after = self._extent(at)[1]
            except FormatError:
                break
            if fde:
                found.append((fde.start, fde.end, at))
            at = after
        return found

    # Entries

    def _extent(self, at: int) -> tuple[int, int, int]:
        """(offset of the content, offset after it, bytes of an offset) of the entry at `at`; a content of 0: a mark."""
        data = self._section.data
        length = int.from_bytes(data.read(at, 4), "little")
        if length < 0xFFFFFFF0:
            return at + 4, at + 4 + length, 4
        length = int.from_bytes(data.read(at + 4, 8), "little")
        return at + 12, at + 12 + length, 8

    def _content(self, at: int) -> tuple[bytes, int, int]:
        """(content with padding, its offset, bytes of an offset)."""
        start, end, wide = self._extent(at)
        if end - start > MAX_ENTRY:
            raise FormatError("call frames", f"expected an entry of at most {MAX_ENTRY:#x} bytes", at)
        return self._section.data.read(start, end - start) + PAD, start, wide

    def _fde(self, at: int) -> Fde | None:
        """The entry at an offset; None for a CIE or an end mark."""
        data, start, wide = self._content(at)
        end = len(data) - len(PAD)
        if end == 0:
            return None
        id_size = 4 if self._section.is_eh else wide
        pointer = int.from_bytes(data[:id_size], "little")
        if pointer == (0 if self._section.is_eh else (1 << 8 * id_size) - 1):
            return None
        cie = self._cie(start - pointer if self._section.is_eh else pointer)
        first, position = self._pointer(data, id_size, cie.encoding, self._section.address + start)
        size, position = self._pointer(data, position, cie.encoding & 0x0F, 0)
        if cie.augmented:
            length, position = uleb(data, position)
            position += length
        if position > end:
            raise FormatError("FDE", "the header runs over the end of the entry", at)
        return Fde(first, first + size, cie, data[position:end])

    def _cie(self, at: int) -> Cie:
        if at not in self._cies:
            cie = self._read_cie(at)
            self._cie_bytes += len(cie.instructions)
            if self._cie_bytes > self._section.data.size:
                raise FormatError("CIE", "common entries overlap", at)
            self._cies[at] = cie
        return self._cies[at]

    def _read_cie(self, at: int) -> Cie:
        data, start, wide = self._content(at)
        end = len(data) - len(PAD)
        id_size = 4 if self._section.is_eh else wide
        if (
            int.from_bytes(data[:id_size], "little") != (0 if self._section.is_eh else (1 << 8 * id_size) - 1)
            or not end
        ):
            raise FormatError("CIE", "an FDE refers to something that is no CIE", at)
        version, position = data[id_size], id_size + 1
        if version not in (1, 3, 4):
            raise FormatError("CIE", f"expected version 1, 3 or 4; found {version}", at)
        augmentation, position = cstring(data, position)
        address_size = self._address_size
        if version == 4:
            address_size, position = data[position], position + 2
        if augmentation == b"eh":
            position += address_size
        code_align, position = uleb(data, position)
        data_align, position = sleb(data, position)
        if version == 1:
            register, position = data[position], position + 1
        else:
            register, position = uleb(data, position)
        encoding, signal, b_key = 0, False, False
        augmented = augmentation[:1] == b"z"
        if augmented:
            length, position = uleb(data, position)
            after = position + length
            for letter in augmentation[1:].decode("latin-1"):
                if letter == "R":
                    encoding, position = data[position], position + 1
                elif letter == "L":
                    position += 1
                elif letter == "P":
                    kind = data[position]
                    _, position = self._pointer(data, position + 1, kind & 0x7F, self._section.address + start)
                elif letter == "S":
                    signal = True
                elif letter == "B":
                    b_key = True
                elif letter != "G":
                    break
                if position > end:
                    break
            position = after
        elif augmentation not in (b"", b"eh"):
            raise FormatError("CIE", f"unknown augmentation {augmentation[:16]!r}", at)
        if position > end or address_size not in (4, 8):
            raise FormatError("CIE", "the header runs over the end of the entry, or has no usable address size", at)
        return Cie(
            code_align, data_align, register, encoding, augmented, signal, b_key, address_size, data[position:end]
        )

    def _pointer(self, data: bytes, at: int, encoding: int, base: int) -> tuple[int, int]:
        """An encoded pointer and the position after it; `base` is the address of data[0]."""
        form, relative = encoding & 0x0F, encoding & 0x70
        if form == 1:
            value, after = uleb(data, at)
        elif form == 9:
            value, after = sleb(data, at)
        else:
            size = _FIXED.get(form, self._address_size) if form else self._address_size
            value, after = int.from_bytes(data[at : at + size], "little", signed=form in _SIGNED), at + size
        if encoding & 0x80 or (form not in _FIXED and form not in (0, 1, 9)):
            raise FormatError("call frames", f"pointer encoding {encoding:#x} is not for code addresses")
        if relative == _PCREL:
            value += base + at
        elif relative == _DATAREL and self._index:
            value += self._index[1]
        elif relative:
            raise FormatError("call frames", f"pointer encoding {encoding:#x} is not for code addresses")
        return value & ((1 << 8 * self._address_size) - 1), after


def _i32(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)
