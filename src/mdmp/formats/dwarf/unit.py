"""One unit of .debug_info: its header, the decoding of entries (DIEs) and what their values mean.

Positions of entries are relative to the start of the unit, as its own references write them; references between
units are offsets in .debug_info.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.dwarf import constants as dw
from mdmp.formats.dwarf.abbrev import SKIP_BLOCK, SKIP_INDIRECT, SKIP_STRING, SKIP_ULEB, Abbrev, AbbrevTable, Widths
from mdmp.formats.dwarf.leb import PAD, cstring, sleb, uleb
from mdmp.formats.dwarf.sections import Sections

Raw = int | bytes
Attributes = dict[int, tuple[int, Raw]]
"""Attribute to (form, value as it stands there)."""

_ROOT_SIZE = 512
"""Bytes that nearly always hold the first entry of a unit."""


class UnitHeader(NamedTuple):
    offset: int
    size: int
    """Bytes, with the header."""
    first: int
    """Where the first entry lies, from the start of the unit."""
    kind: int
    widths: Widths
    abbrev_offset: int

    @classmethod
    def read(cls, sections: Sections, offset: int) -> "UnitHeader":
        info = sections.need("debug_info")
        length, at, wide = info.u32(offset, "unit_length"), offset + 4, 4
        if length >= 0xFFFFFFF0:
            length, at, wide = info.u64(offset + 4, "unit_length"), offset + 12, 8
        size = at - offset + length
        info.check(offset, size, "unit")
        version = info.u16(at, "version")
        if not 2 <= version <= 5:
            raise FormatError("debug_info", f"expected DWARF version 2 to 5; found {version}", offset)
        at += 2
        kind = dw.DW_UT_compile
        if version == 5:
            kind, address = info.u8(at), info.u8(at + 1)
            abbrev, at = sections.number("debug_info", at + 2, wide), at + 2 + wide
            at += {dw.DW_UT_skeleton: 8, dw.DW_UT_split_compile: 8}.get(kind, 0)
            at += 8 + wide if kind in (dw.DW_UT_type, dw.DW_UT_split_type) else 0
        else:
            abbrev, at = sections.number("debug_info", at, wide), at + wide
            address, at = info.u8(at), at + 1
        if address not in (4, 8):
            raise FormatError("debug_info", f"expected addresses of 4 or 8 bytes; found {address}", offset)
        if at > offset + size:
            raise FormatError("debug_info", "a unit is shorter than its header", offset)
        return cls(offset, size, at - offset, kind, Widths(version, address, wide), abbrev)


class Unit:
    """A unit whose entries are decoded on demand."""

    def __init__(self, sections: Sections, header: UnitHeader, abbrevs: AbbrevTable) -> None:
        self.sections = sections
        self.header = header
        self.offset = header.offset
        self.end = header.size
        self.version = header.widths.version
        self.abbrevs = abbrevs
        self._data: bytes | None = None
        self._address: tuple[Window, Callable[..., tuple[Any, ...]]] | None = None
        self._read_root()

    @property
    def data(self) -> bytes:
        """The bytes of the whole unit, with padding after the end."""
        if self._data is None:
            self._data = self.sections.need("debug_info").read(self.offset, self.header.size) + PAD
        return self._data

    def forget(self) -> None:
        """Let the bytes go; they are read again when needed."""
        self._data = None

    def _read_root(self) -> None:
        head = self.sections.need("debug_info").read(self.offset, min(self.header.size, _ROOT_SIZE))
        found = self._entry(head + PAD, self.header.first)
        if found is None or found[2] > len(head):
            found = self._entry(self.data, self.header.first)
        self.tag, self.root = (found[0].tag, found[1]) if found and found[2] <= self.end else (0, {})
        # Before anything of the root that goes through an index can be read, its bases must be known.
        version5 = self.version >= 5
        self.address_base = self._base(dw.DW_AT_addr_base, dw.DW_AT_GNU_addr_base, 0)
        self.strings_base = self._base(dw.DW_AT_str_offsets_base, 0, 8 if version5 else 0)
        self.ranges_base = self._base(dw.DW_AT_rnglists_base, 0, 0)
        self.language = self.number(self.root, dw.DW_AT_language) or 0
        self.low = self.address(self.root, dw.DW_AT_low_pc) or 0

    @property
    def directory(self) -> str:
        """Where the compiler ran: the base of relative file names."""
        return self.text(self.root, dw.DW_AT_comp_dir) or ""

    @property
    def split_file(self) -> str | None:
        """The .dwo file that holds this unit's entries, when it is only a skeleton."""
        return self.text(self.root, dw.DW_AT_dwo_name) or self.text(self.root, dw.DW_AT_GNU_dwo_name)

    def _base(self, attribute: int, other: int, default: int) -> int:
        value = self.number(self.root, attribute)
        value = self.number(self.root, other) if value is None and other else value
        return default if value is None else value

    # Decoding

    def entry(self, at: int) -> tuple[Abbrev, Attributes, int] | None:
        """(declaration, attributes, position after them) of the entry at a position; None for the end of a list."""
        if not self.header.first <= at < self.end:
            raise FormatError("debug_info", f"a reference leads out of its unit, to {at:#x}", self.offset)
        found = self._entry(self.data, at)
        if found and found[2] > self.end:
            raise FormatError("debug_info", "an entry runs over the end of its unit", self.offset + at)
        return found

    def _entry(self, data: bytes, at: int) -> tuple[Abbrev, Attributes, int] | None:
        code, at = uleb(data, at)
        if code == 0:
            return None
        abbrev = self.abbrevs.get(code)
        end = len(data) - len(PAD)
        values: Attributes = {}
        for attribute, form, constant in abbrev.specs:
            if at > end:
                break
            if form == dw.DW_FORM_implicit_const:
                values[attribute] = form, constant
            else:
                form, value, at = self._value(data, at, form)
                values[attribute] = form, value
        return abbrev, values, at

    def _value(self, data: bytes, at: int, form: int) -> tuple[int, Raw, int]:
        """(form, value, position after it); a value cut off by the end leads to a position behind it."""
        while form == dw.DW_FORM_indirect:
            form, at = uleb(data, at)
            if at >= len(data) - len(PAD):
                raise FormatError("debug_info", "an indirect form runs over the end", self.offset + at)
        width = self.header.widths.of(form)
        if width is not None:
            return form, int.from_bytes(data[at : at + width], "little"), at + width
        if form == dw.DW_FORM_sdata:
            number, at = sleb(data, at)
            return form, number, at
        if form in dw.ULEB_FORMS:
            number, at = uleb(data, at)
            return form, number, at
        if form == dw.DW_FORM_string:
            text, at = cstring(data, at)
            return form, text, at
        if form in dw.BLOCK_FORMS:
            length, at = block_length(data, at, dw.BLOCK_FORMS[form])
            if at + length > len(data):
                return form, b"", self.end + 1
            return form, data[at : at + length], at + length
        raise FormatError("debug_info", f"unknown form {form:#x}", self.offset + at)

    def skip(self, data: bytes, at: int, abbrev: Abbrev) -> int:
        """The position after the attributes of an entry, which are not decoded."""
        if abbrev.size >= 0:
            return at + abbrev.size
        for step in abbrev.plan:
            if step >= 0:
                at += step
            elif step == SKIP_ULEB:
                while data[at] >= 0x80:
                    at += 1
                at += 1
            elif step == SKIP_STRING:
                at = data.index(b"\0", at) + 1
            elif step == SKIP_INDIRECT:
                _, _, at = self._value(data, at, dw.DW_FORM_indirect)
            else:
                length, at = block_length(data, at, SKIP_BLOCK - step)
                at += length
            if at > self.end:
                raise FormatError("debug_info", "an entry runs over the end of its unit", self.offset)
        return at

    # Meaning

    def number(self, values: Attributes, attribute: int) -> int | None:
        found = values.get(attribute)
        return found[1] if found and isinstance(found[1], int) else None

    def text(self, values: Attributes, attribute: int) -> str | None:
        found = values.get(attribute)
        if found is None:
            return None
        form, value = found
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if form == dw.DW_FORM_strp:
            return self.sections.string("debug_str", value)
        if form == dw.DW_FORM_line_strp:
            return self.sections.string("debug_line_str", value)
        if form in dw.STRX_FORMS:
            return self.indexed_string(value)
        other = self.sections.supplementary
        return other.string("debug_str", value) if other and form in dw.OTHER_FILE_STRING_FORMS else None

    def indexed_string(self, index: int) -> str:
        wide = self.header.widths.offset
        at = self.sections.number("debug_str_offsets", self.strings_base + index * wide, wide)
        return self.sections.string("debug_str", at)

    def indexed_address(self, index: int) -> int:
        size = self.header.widths.address
        if self._address is None:
            self._address = self.sections.need("debug_addr"), Struct("<Q" if size == 8 else "<I").unpack_from
        table, unpack = self._address
        at = self.address_base + index * size
        if not 0 <= at <= table.size - size:
            raise FormatError("debug_addr", f"the table has no address {index}", self.offset)
        number: int = unpack(table.buffer, table.start + at)[0]
        return number

    def address(self, values: Attributes, attribute: int) -> int | None:
        """An address as linked; None when the attribute is absent or is no address."""
        form, value = values.get(attribute, (0, b""))
        if not isinstance(value, int):
            return None
        if form == dw.DW_FORM_addr:
            return value
        return self.indexed_address(value) if form in dw.ADDRX_FORMS else None

    def reference(self, values: Attributes, attribute: int) -> int | None:
        """The .debug_info offset of the entry that an attribute points to; None when it lies in another file."""
        form, value = values.get(attribute, (0, b""))
        if not isinstance(value, int):
            return None
        if form in dw.UNIT_REFERENCE_FORMS:
            return self.offset + value
        return value if form == dw.DW_FORM_ref_addr else None

    def other_file_reference(self, values: Attributes, attribute: int) -> int | None:
        """The .debug_info offset in the supplementary file that an attribute points to; None for others."""
        form, value = values.get(attribute, (0, b""))
        return value if isinstance(value, int) and form in dw.OTHER_FILE_REFERENCE_FORMS else None


def block_length(data: bytes, at: int, width: int) -> tuple[int, int]:
    """The length of a block and where the block starts; `width` is that of the length field (0: LEB128)."""
    if width:
        return int.from_bytes(data[at : at + width], "little"), at + width
    return uleb(data, at)
