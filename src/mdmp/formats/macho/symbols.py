"""The symbol table and the table of function starts: from an address to the function that it lies in."""

import sys
from array import array
from bisect import bisect_right
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.macho import structs as wire


class MachOSymbol(NamedTuple):
    name: str
    """As in the table: of C and C++ with an underscore before the name that the compiler uses."""
    address: int
    """As linked."""
    size: int
    """Bytes up to what comes next: a symbol, a function start, the end of the section."""


class SymbolTable:
    """The symbols in code, sorted at first use.

    `code` are (start, end, section number) of the sections with code; `starts` the sorted starts of functions, if
    known: a symbol does not reach beyond the next, which may have lost its name.
    """

    def __init__(self, table: Window, strings: Window, code: list[tuple[int, int, int]], starts: "array[int]") -> None:
        self._table = table
        self._strings = strings
        self._code = code
        self._starts = starts
        self._keys: list[int] | None = None

    def find(self, address: int) -> MachOSymbol | None:
        """The function at an address as linked; None in one without a name."""
        block = next(((start, end) for start, end, _ in self._code if start <= address < end), None)
        if block is None:
            return None
        if self._keys is None:
            self._load()
        assert self._keys is not None
        low, high = block
        after = bisect_right(self._keys, address << 32 | 0xFFFFFFFF)
        start = self._keys[after - 1] >> 32 if after else -1
        function = bisect_right(self._starts, address)
        if start < low or (function and self._starts[function - 1] > start):
            return None
        if after < len(self._keys):
            high = min(high, self._keys[after] >> 32)
        if function < len(self._starts):
            high = min(high, self._starts[function])
        name = self._best_name(after - 1, start)
        return MachOSymbol(name, start, high - start) if name else None

    def _best_name(self, last: int, start: int) -> str:
        """Of several names for one place, one that others may use, the first of those."""
        assert self._keys is not None
        best, best_rank = "", (-1, -1)
        for i in range(last, max(last - 32, -1), -1):
            if self._keys[i] >> 32 != start:
                break
            symbol = wire.nlist_64.read(self._table, (self._keys[i] & 0xFFFFFFFF) * wire.nlist_64.SIZE)
            rank = (symbol.n_type & wire.N_EXT, not symbol.n_desc & wire.N_WEAK_DEF)
            if rank >= best_rank:
                name = self._strings.cstring(symbol.n_strx, 1 << 16, "symbol name").decode("utf-8", "replace")
                if name:
                    best, best_rank = name, rank
        return best

    def _load(self) -> None:
        """The kernel: columns of numbers, the code symbols picked out, sorted: address << 32 | index."""
        count = self._table.size // wire.nlist_64.SIZE
        column = array("Q", self._table.read(0, count * wire.nlist_64.SIZE))
        if sys.byteorder == "big":
            column.byteswap()
        heads, values = column[0::2], column[1::2]
        # nlist_64: name, type (8 bits from 32 on), section (8 bits from 40 on), description in one word; value
        mask = (wire.N_STAB | wire.N_TYPE) << 32 | 0xFF << 40
        wanted = {wire.N_SECT << 32 | number << 40 for _, _, number in self._code}
        self._keys = sorted(
            value << 32 | i for i, (head, value) in enumerate(zip(heads, values, strict=True)) if head & mask in wanted
        )


def function_starts(data: bytes, base: int) -> "array[int]":
    """LC_FUNCTION_STARTS: distances as ULEB128, the first from the image's base; a 0 ends them. Linked addresses."""
    found: array[int] = array("Q")
    address, value, shift = base, 0, 0
    for byte in data:
        if byte >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise FormatError("function starts", "expected at most 10 bytes for a number; found more")
            continue
        value |= byte << shift
        if value == 0:
            break
        address += value
        if address >> 64:
            raise FormatError("function starts", f"expected an address of 64 bits; found {address:#x}")
        found.append(address)
        value = shift = 0
    return found
