"""The line program of one unit: DWARF 2 to 5, section 6.2 of the standard.

The program is run once, into sequences; statement flags, columns and discriminators are not kept.
"""

from array import array
from bisect import bisect_right
from typing import NamedTuple

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError
from mdmp.formats.dwarf import constants as dw
from mdmp.formats.dwarf.leb import PAD, cstring, sleb, uleb
from mdmp.formats.dwarf.sections import Sections
from mdmp.formats.dwarf.unit import block_length

_LINE_MASK = 0xFFFFFFFF
_FILE_SHIFT = 32
_FIRST_PLACE = 1 << _FILE_SHIFT | 1


class Sequence(NamedTuple):
    """Rows of consecutive code; row i holds from its address to the next one's."""

    addresses: "array[int]"
    places: "array[int]"
    """File number << 32 | line."""


class LineTable:
    """Address to file and line for one unit."""

    def __init__(self, sections: Sections, offset: int, directory: str, lowest: int = 0) -> None:
        self._sections = sections
        self._directory = directory
        self._lowest = lowest
        section = sections.need("debug_line")
        length, at, wide = section.u32(offset, "unit_length"), offset + 4, 4
        if length >= 0xFFFFFFF0:
            length, at, wide = section.u64(offset + 4, "unit_length"), offset + 12, 8
        section.check(at, length, "unit")
        self._wide = wide
        self._data = section.read(at, length) + PAD
        self._end = length
        self._offset = offset
        data = self._data
        self.version = int.from_bytes(data[:2], "little")
        if not 2 <= self.version <= 5 or length < 16:
            raise FormatError("debug_line", f"expected DWARF version 2 to 5; found {self.version}", offset)
        at = 4 if self.version >= 5 else 2
        header = int.from_bytes(data[at : at + wide], "little")
        at += wide
        self._program = at + header
        self._step = data[at]
        at += 2 if self.version >= 4 else 1  # maximum_operations_per_instruction: 1 on every CPU here
        self._line_base = data[at + 1] - 256 if data[at + 1] > 127 else data[at + 1]
        self._line_range, self._opcode_base = data[at + 2], data[at + 3]
        if not self._line_range or not self._opcode_base:
            raise FormatError("debug_line", "expected a line_range and an opcode_base above 0", offset)
        self._operands = data[at + 4 : at + 3 + self._opcode_base]
        self._tables = at + 3 + self._opcode_base
        if not self._tables <= self._program <= length:
            raise FormatError("debug_line", "the header runs over the end of the unit", offset)
        self._sequences: RangeMap[Sequence] | None = None
        self._files: list[str] | None = None
        self._more_files: list[tuple[str, int]] = []

    def find(self, address: int) -> tuple[int, int] | None:
        """(file number, line) of the last row at or before an address; None outside of all sequences."""
        if self._sequences is None:
            self._sequences = RangeMap(
                (s.addresses[0], s.addresses[-1], s) for s in self._run() if s.addresses[0] >= self._lowest
            )
        sequence = self._sequences.get(address)
        if sequence is None:
            return None
        place = sequence.places[bisect_right(sequence.addresses, address) - 1]
        return place >> _FILE_SHIFT, place & _LINE_MASK

    def file(self, number: int) -> str | None:
        """The path of a file number as the line program and DW_AT_call_file write it."""
        if self._files is None:
            self._files = self._names_5() if self.version >= 5 else self._names_2()
        index = number if self.version >= 5 else number - 1
        return self._files[index] if 0 <= index < len(self._files) else None

    def _run(self) -> list[Sequence]:
        """Run the program: the kernel. Every step reads at least one byte, so the bytes are its bound."""
        data, end, at = self._data, self._end, self._program
        step, base = self._step, self._opcode_base
        width = self._line_range
        advance = [(op - base) // width * step for op in range(256)]
        add_line = [(op - base) % width + self._line_base for op in range(256)]
        constant = advance[255]
        operands = self._operands
        sequences: list[Sequence] = []
        addresses: list[int] = []
        places: list[int] = []
        add_address, add_place = addresses.append, places.append
        address, place = 0, _FIRST_PLACE
        while at < end:
            op = data[at]
            at += 1
            if op >= base:
                address += advance[op]
                place += add_line[op]
                add_address(address)
                add_place(place)
            elif op == 5:  # set_column
                while data[at] >= 0x80:
                    at += 1
                at += 1
            elif op == 6 or op == 10:  # negate_stmt, set_prologue_end
                pass
            elif op == 3:  # advance_line
                value = data[at]
                at += 1
                if value >= 0x80:
                    value, at = sleb(data, at - 1)
                elif value >= 0x40:
                    value -= 0x80
                place += value
            elif op == 1:  # copy
                add_address(address)
                add_place(place)
            elif op == 2 or op == 4 or op == 12:  # advance_pc, set_file, set_isa
                value, at = uleb(data, at)
                if op == 2:
                    address += value * step
                elif op == 4:
                    place = value << _FILE_SHIFT | place & _LINE_MASK
            elif op == 8:  # const_add_pc
                address += constant
            elif op == 0:
                length, at = uleb(data, at)
                after = at + length
                if after > end or (length > 9 and data[at] == 2):
                    raise FormatError("debug_line", "an extended opcode runs too far", self._offset + at)
                code = data[at] if length else 0
                if code == 1:  # end_sequence
                    if addresses and address > addresses[0]:
                        addresses.append(address)
                        places.append(0)
                        sequences.append(_in_order(addresses, places))
                    addresses, places = [], []
                    add_address, add_place = addresses.append, places.append
                    address, place = 0, _FIRST_PLACE
                elif code == 2:  # set_address
                    address = int.from_bytes(data[at + 1 : after], "little")
                elif code == 3 and self.version < 5:  # define_file
                    name, at = cstring(data, at + 1)
                    folder, at = uleb(data, at)
                    self._more_files.append((name.decode("utf-8", "replace"), folder))
                at = after
            elif op == 9:  # fixed_advance_pc
                address += data[at] | data[at + 1] << 8
                at += 2
            elif op not in (7, 11):  # set_basic_block, set_epilogue_begin
                for _ in range(operands[op - 1]):
                    _, at = uleb(data, at)
                    if at > end:
                        break
        return sequences

    def _names_2(self) -> list[str]:
        """The tables of DWARF 2 to 4: directory 0 is the compiler's own, files count from 1."""
        data, at = self._data, self._tables
        folders = [self._directory]
        while data[at]:
            name, at = cstring(data, at)
            folders.append(_join(self._directory, name.decode("utf-8", "replace")))
            self._check_table(at)
        at += 1
        entries = []
        while data[at]:
            name, at = cstring(data, at)
            folder, at = uleb(data, at)
            _, at = uleb(data, at)
            _, at = uleb(data, at)
            entries.append((name.decode("utf-8", "replace"), folder))
            self._check_table(at)
        entries += self._more_files
        return [_join(folders[folder] if folder < len(folders) else "", name) for name, folder in entries]

    def _names_5(self) -> list[str]:
        """The tables of DWARF 5: both count from 0, and directory 0 is the compiler's own."""
        folders, at = self._entries(self._tables)
        files, at = self._entries(at)
        base = folders[0][0] if folders and folders[0][0] else self._directory
        paths = [base, *(_join(base, name) for name, _ in folders[1:])]
        return [_join(paths[folder] if folder < len(paths) else "", name) for name, folder in files]

    def _entries(self, at: int) -> tuple[list[tuple[str, int]], int]:
        data = self._data
        formats, at = [], at + 1
        for _ in range(data[at - 1]):
            content, at = uleb(data, at)
            form, at = uleb(data, at)
            self._check_table(at)
            formats.append((content, form))
        count, at = uleb(data, at)
        if count > self._program - at or (count and not formats):
            raise FormatError("debug_line", f"{count} names cannot lie in the header", self._offset)
        entries = []
        for _ in range(count):
            name, folder = "", 0
            for content, form in formats:
                value, at = self._value(form, at, content == dw.DW_LNCT_path)
                if isinstance(value, str):
                    name = value
                elif content == dw.DW_LNCT_directory_index:
                    folder = value
                self._check_table(at)
            entries.append((name, folder))
        return entries, at

    def _value(self, form: int, at: int, wanted: bool) -> tuple[int | str, int]:
        """A value of the tables; a text only where it is wanted."""
        data = self._data
        width = self._wide if form in dw.OFFSET_FORMS else dw.FIXED_FORMS.get(form)
        if width is not None:
            value, at = int.from_bytes(data[at : at + width], "little"), at + width
            if wanted and form in (dw.DW_FORM_line_strp, dw.DW_FORM_strp):
                name = "debug_line_str" if form == dw.DW_FORM_line_strp else "debug_str"
                return self._sections.string(name, value), at
            return value, at
        if form == dw.DW_FORM_string:
            text, at = cstring(data, at)
            return (text.decode("utf-8", "replace") if wanted else 0), at
        if form in dw.ULEB_FORMS:
            return uleb(data, at)
        if form in dw.BLOCK_FORMS:
            length, at = block_length(data, at, dw.BLOCK_FORMS[form])
            return 0, at + length
        raise FormatError("debug_line", f"unknown form {form:#x} in the file table", self._offset)

    def _check_table(self, at: int) -> None:
        if at > self._program:
            raise FormatError("debug_line", "the file table runs over the end of the header", self._offset)


def _in_order(addresses: list[int], places: list[int]) -> Sequence:
    """Rows of one sequence rise; when a producer broke that rule they are put in order."""
    if addresses != sorted(addresses):
        rows = sorted(zip(addresses, places, strict=True), key=lambda row: row[0])
        addresses, places = [row[0] for row in rows], [row[1] for row in rows]
    try:
        return Sequence(array("Q", addresses), array("Q", places))
    except OverflowError:
        raise FormatError("debug_line", "an address or a file number is beyond 64 bits") from None


def _join(folder: str, name: str) -> str:
    """`name` under `folder`, unless it is absolute for itself (also as Windows writes it)."""
    if not folder or name[:1] in ("/", "\\") or name[1:2] == ":":
        return name
    if not name:
        return folder
    separator = "\\" if "\\" in folder and "/" not in folder else "/"
    return folder + name if folder[-1] in "/\\" else folder + separator + name
