"""Abbreviations: how the entries of a unit are laid out.

A table is read as far as the codes asked for need. Each declaration also gets a plan by which an entry is skipped
without being decoded: nearly all entries of a unit are skipped.
"""

from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.dwarf.constants import (
    BLOCK_FORMS,
    FIXED_FORMS,
    OFFSET_FORMS,
    ULEB_FORMS,
    DW_AT_sibling,
    DW_FORM_addr,
    DW_FORM_implicit_const,
    DW_FORM_indirect,
    DW_FORM_ref4,
    DW_FORM_ref_addr,
    DW_FORM_string,
)
from mdmp.formats.dwarf.leb import PAD, sleb, uleb

SKIP_ULEB, SKIP_STRING, SKIP_INDIRECT, SKIP_BLOCK = -1, -2, -3, -4
"""Steps of a skip plan besides a number of bytes.

SKIP_BLOCK - n skips a block whose length field has n bytes (0: LEB128)."""

CHUNK = 4096
"""Bytes of a table to look at first; tables follow each other without a length."""


class Widths(NamedTuple):
    """What the size of a form depends on."""

    version: int
    address: int
    offset: int

    def of(self, form: int) -> int | None:
        """Bytes that a form takes in the entry; None when that is not fixed."""
        if form in OFFSET_FORMS:
            return self.offset
        if form == DW_FORM_addr:
            return self.address
        if form == DW_FORM_ref_addr:
            return self.address if self.version <= 2 else self.offset
        return FIXED_FORMS.get(form)


class Abbrev(NamedTuple):
    tag: int
    has_children: bool
    specs: tuple[tuple[int, int, int], ...]
    """(attribute, form, implicit constant)."""
    size: int
    """Bytes that every such entry takes after its code; -1 when they vary."""
    plan: tuple[int, ...]
    """Steps that skip an entry; see SKIP_ULEB."""
    attributes: frozenset[int]
    varying: tuple[int, int, int] | None
    """Of an entry with a single LEB128 number or a single block with such a length: the bytes before it, with the
    entry's code of one byte; 1 if its value counts as bytes; the bytes after it, with one of its own."""
    sibling: int
    """Where in the entry a 4-byte DW_AT_sibling lies; -1 when there is none at a fixed place."""


class AbbrevSection:
    """.debug_abbrev: its tables by offset."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._tables: dict[tuple[int, Widths], AbbrevTable] = {}
        self._read = 0

    def table(self, offset: int, widths: Widths) -> "AbbrevTable":
        key = (offset, widths)
        if key not in self._tables:
            self._tables[key] = AbbrevTable(self, offset, widths)
        return self._tables[key]

    def count(self, size: int) -> None:
        """Units can point into the middle of each other's tables; true ones are read once."""
        self._read += size
        if self._read > 4 * self.window.size:
            raise FormatError("debug_abbrev", "the tables of too many units overlap")


class AbbrevTable:
    """One table of .debug_abbrev for units of the same widths."""

    __slots__ = ("_at", "_data", "_done", "_known", "_section", "_window", "offset", "widths")

    def __init__(self, section: AbbrevSection, offset: int, widths: Widths) -> None:
        section.window.check(offset, 1, "table")
        self._section = section
        self._window = section.window
        self.offset = offset
        self.widths = widths
        self._data = b""
        self._at = 0
        self._done = False
        self._known: dict[int, Abbrev] = {}
        self._grow()

    def get(self, code: int) -> Abbrev:
        """The declaration of a code; reads on in the table until it comes."""
        while code not in self._known:
            if self._done or not self._read_one():
                raise FormatError("debug_abbrev", f"the table has no code {code}", self.offset)
        return self._known[code]

    def _grow(self) -> bool:
        """Look at more of the section; False when there is no more."""
        have = max(len(self._data) - len(PAD), 0)
        size = min(self._window.size - self.offset, max(2 * have, CHUNK))
        if size == have:
            return False
        self._data = self._window.read(self.offset, size) + PAD
        return True

    def _read_one(self) -> bool:
        parsed = _declaration(self._data, self._at)
        while parsed is None:
            if not self._grow():
                raise FormatError("debug_abbrev", "the table runs over the end of its section", self.offset)
            parsed = _declaration(self._data, self._at)
        code, tag, has_children, specs, at = parsed
        self._section.count(at - self._at)
        self._at = at
        if code == 0:
            self._done = True
            return False
        self._known.setdefault(code, make_abbrev(tag, has_children, specs, self.widths))
        return True


_Specs = tuple[tuple[int, int, int], ...]


def _declaration(data: bytes, at: int) -> tuple[int, int, bool, _Specs, int] | None:
    """(code, tag, has children, specifications, position after it); None when the data ends inside."""
    end = len(data) - len(PAD)
    code, at = uleb(data, at)
    if code == 0:
        return (0, 0, False, (), at) if at <= end else None
    tag, at = uleb(data, at)
    has_children = data[at] != 0
    at += 1
    specs = []
    while at <= end:
        attribute, at = uleb(data, at)
        form, at = uleb(data, at)
        constant = 0
        if form == DW_FORM_implicit_const:
            constant, at = sleb(data, at)
        if attribute == 0 and form == 0:
            break
        specs.append((attribute, form, constant))
    return (code, tag, has_children, tuple(specs), at) if at <= end else None


def make_abbrev(tag: int, has_children: bool, specs: _Specs, widths: Widths) -> Abbrev:
    """A declaration with its skip plan; `FormatError` for a form that nobody defined."""
    plan: list[int] = []
    sibling = -1
    for attribute, form, _ in specs:
        if attribute == DW_AT_sibling and form == DW_FORM_ref4 and (not plan or (len(plan) == 1 and plan[0] >= 0)):
            sibling = plan[0] if plan else 0
        width = widths.of(form)
        if width is not None:
            if plan and plan[-1] >= 0:
                plan[-1] += width
            else:
                plan.append(width)
        elif form in ULEB_FORMS:
            plan.append(SKIP_ULEB)
        elif form == DW_FORM_string:
            plan.append(SKIP_STRING)
        elif form in BLOCK_FORMS:
            plan.append(SKIP_BLOCK - BLOCK_FORMS[form])
        elif form == DW_FORM_indirect:
            plan.append(SKIP_INDIRECT)
        else:
            raise FormatError("debug_abbrev", f"unknown form {form:#x} of attribute {attribute:#x}")
    size = 0 if not plan else plan[0] if len(plan) == 1 and plan[0] >= 0 else -1
    return Abbrev(
        tag, has_children, specs, size, tuple(plan), frozenset(spec[0] for spec in specs), _varying(plan), sibling
    )


def _varying(plan: list[int]) -> tuple[int, int, int] | None:
    steps = [step for step in plan if step < 0]
    if len(steps) != 1 or steps[0] not in (SKIP_ULEB, SKIP_BLOCK):
        return None
    at = plan.index(steps[0])
    return 1 + sum(plan[:at]), 1 if steps[0] == SKIP_BLOCK else 0, 1 + sum(plan[at + 1 :])
