"""Symbol tables: from an address to the function symbol that holds it or stands right before it."""

import sys
from array import array
from bisect import bisect_right
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.elf import structs as wire

_LOOK_BACK = 32
"""Symbols to look back over for one that covers an address, before the nearest is taken."""
_FUNCTIONS = (wire.STT_FUNC, wire.STT_GNU_IFUNC)
_BINDING = {wire.STB_GLOBAL: 2, wire.STB_WEAK: 1}


class ElfSymbol(NamedTuple):
    name: str
    """As in the table: mangled; a version (`@GLIBC_2.2.5`) is not part of it here."""
    address: int
    """As linked."""
    size: int
    """In bytes; 0 when the table does not tell."""


class SymbolTable:
    """The functions of one table, sorted at first use.

    `code` are the address ranges [start, end) that hold code: labels without a type count only there, and a symbol
    without a size ends with them.
    """

    def __init__(self, table: Window, strings: Window, bits: int, machine: str, code: list[tuple[int, int]]) -> None:
        self._table = table
        self._strings = strings
        self._wide = bits == 64
        self._machine = machine
        self._code = sorted(code)
        self._starts = [start for start, _ in self._code]
        self._keys: list[int] | None = None

    def find(self, address: int) -> ElfSymbol | None:
        """The function at an address as linked; None in a gap between functions whose sizes are known."""
        if self._keys is None:
            self._load()
        assert self._keys is not None
        first = bisect_right(self._keys, address << 32 | 0xFFFFFFFF) - 1
        best, best_rank = None, (0, 0, 0)
        for key in self._keys[max(first - _LOOK_BACK, 0) : first + 1]:
            start, size, kind, binding, name = self._row(key)
            covered = start <= address < start + size
            if not covered and (size or start != self._keys[first] >> 32):
                continue  # a function without a size reaches to the next one
            # A function that says it holds the address, the nearest, a name that others may use.
            rank = (2 if kind in _FUNCTIONS and covered else 1, start, _BINDING.get(binding, 0))
            if rank > best_rank and name:
                best, best_rank = (start, size, name), rank
        if best is None:
            return None
        start, size, name = best
        block = self._block(start)
        return self._symbol(start, size, name) if block and block[0] <= address < block[1] else None

    def named(self, name: str) -> ElfSymbol | None:
        """The symbol of a name, function or not, that is defined here. `FormatError` when the table is damaged."""
        texts, wanted = self._strings.read(0, self._strings.size), name.encode() + b"\0"
        offsets, at = set(), texts.find(wanted)
        while at >= 0:  # it may be the end of a longer name, too
            offsets.add(at)
            at = texts.find(wanted, at + 1)
        entry, section = (24, 6) if self._wide else (16, 14)
        for at in range(0, self._table.size - entry + 1, entry) if offsets else ():
            if self._table.u32(at) in offsets and self._table.u16(at + section):
                number = self._table.u64 if self._wide else self._table.u32
                value, size = (at + 8, at + 16) if self._wide else (at + 4, at + 8)
                return ElfSymbol(name, number(value), number(size))
        return None

    def _row(self, key: int) -> tuple[int, int, int, int, int]:
        """(address, size, type, binding, name) of a symbol."""
        index = key & 0xFFFFFFFF
        if self._wide:
            at = index * 24
            name, info, size = self._table.u32(at), self._table.u8(at + 4), self._table.u64(at + 16)
        else:
            at = index * 16
            name, info, size = self._table.u32(at), self._table.u8(at + 12), self._table.u32(at + 8)
        return key >> 32, size, info & 15, info >> 4, name

    def _symbol(self, address: int, size: int, name: int) -> ElfSymbol:
        text = self._strings.cstring(name, 1 << 16, "symbol name").decode("utf-8", "replace")
        return ElfSymbol(text[:1] + text[1:].partition("@")[0], address, size)

    def _block(self, address: int) -> tuple[int, int] | None:
        i = bisect_right(self._starts, address) - 1
        return self._code[i] if i >= 0 and address < self._code[i][1] else None

    def _load(self) -> None:
        """The kernel: columns of numbers, the functions picked out, sorted by address: address << 32 | index."""
        entry = 24 if self._wide else 16
        count = min(self._table.size // entry, 1 << 32)
        column = array("Q" if self._wide else "I", self._table.read(0, count * entry))
        if sys.byteorder == "big":
            column.byteswap()
        if self._wide:  # Elf64_Sym: name, info, other, shndx in one word; value; size
            heads, values, shift = column[0::3], column[1::3], 32
        else:  # Elf32_Sym: name; value; size; info, other, shndx
            heads, values, shift = column[3::4], column[1::4], 0
        below = shift + 16  # the section number: 0 for a symbol that is defined elsewhere
        keys = [
            value << 32 | i
            for i, (head, value) in enumerate(zip(heads, values, strict=True))
            if (head >> shift & 15) in _FUNCTIONS and head >> below
        ]
        if self._machine == "arm":  # the lowest bit says that it is Thumb code
            keys = [key & ~(1 << 32) for key in keys]
        keys += [
            value << 32 | i
            for i, (head, value) in enumerate(zip(heads, values, strict=True))
            if not head >> shift & 15 and 0 < head >> below < wire.SHN_LORESERVE and self._is_label(i, value)
        ]
        keys.sort()
        self._keys = keys

    def _is_label(self, index: int, address: int) -> bool:
        """A symbol without a type counts when it stands in code and is not one of ARM's marks ($x, $a, $t, $d)."""
        if not self._block(address):
            return False
        name = self._table.u32(index * (24 if self._wide else 16))
        head = self._strings.read(name, 2) if name + 2 <= self._strings.size else b""
        return head[:1] not in (b"", b"\0") and (head[:1] != b"$" or self._machine not in ("arm", "arm64"))
