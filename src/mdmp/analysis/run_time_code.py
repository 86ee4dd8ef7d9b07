"""Functions that were made at run time: their unwind entries, from the dump's tables or from the .NET runtime's own.

CoreCLR and the .NET Framework keep, in the word before the first instruction of a compiled method, a pointer to the
method's header; the header holds the unwind entries. Source: dotnet/runtime, src/coreclr/vm/codeman.h (`CodeHeader`,
`RealCodeHeader`).
"""

from bisect import bisect_right
from struct import Struct, unpack_from

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.image import MemoryImage
from mdmp.formats.pe.pdata import RuntimeFunction, bisect_entries, read_unwind_info
from mdmp.snapshot import MemoryReader, Snapshot
from mdmp.unwind import RunTimeFunction

_ENTRY = Struct("<III")
_PAGE = 0x1000
_MAX_METHOD = 0x10000
"""How far before an address to look for the method's first instruction."""
_MAX_ENTRIES = 256
"""Of a method: one for itself, one for each of its handlers."""
_COUNT_AT = 0x20
"""Offset of the number of entries in a method's header."""
_SHORTEST_HEADER = _COUNT_AT + 4 + 12
_MAX_TRIED = 1 << 18
"""Headers looked at for one dump, and pages before that; no honest one comes near."""
_MAX_KEPT = 1 << 16
_MAX_HEAPS = 64


class CodeBytes:
    """Memory with unwind information, without the headers that an image has."""

    __slots__ = ("data",)

    def __init__(self, memory: MemoryReader, base: int) -> None:
        self.data = MemoryImage(memory, base, 1 << 32)

    def read(self, rva: int, size: int) -> bytes:
        return self.data.read(rva, size)

    def directory(self, index: int) -> wire.IMAGE_DATA_DIRECTORY | None:
        return None


class RunTimeCode:
    """Finds the function at an address outside of all modules. `has_clr`: is the .NET runtime in the process?"""

    def __init__(self, snapshot: Snapshot, has_clr: bool) -> None:
        self._memory = snapshot.memory
        is_amd64 = snapshot.system.cpu == "amd64"  # the entries of other CPUs look different
        self._has_clr = has_clr and is_amd64
        tables = [t for t in snapshot.function_tables or () if is_amd64 and t.entry_size == _ENTRY.size]
        self._tables = RangeMap((table.start, table.end, table) for table in tables)
        self._found: dict[int, RunTimeFunction | None] = {}
        self._heaps: set[tuple[int, int]] = set()
        self._budget = _MAX_TRIED

    def function_at(self, address: int) -> RunTimeFunction | None:
        if address not in self._found:
            if len(self._found) >= _MAX_KEPT:
                self._found.clear()
            found = self._in_tables(address) or (self._in_clr(address) if self._has_clr else None)
            self._found[address] = found
            if found is not None:
                self._note_heap(address)
        return self._found[address]

    def is_in_known_heap(self, address: int) -> bool:
        """Does it lie in memory where a function has been found?"""
        return any(start <= address < end for start, end in self._heaps)

    def _note_heap(self, address: int) -> None:
        ranges = self._memory.ranges
        i = bisect_right(ranges, (address, 1 << 64)) - 1
        if len(self._heaps) < _MAX_HEAPS and i >= 0 and address < ranges[i][0] + ranges[i][1]:
            self._heaps.add((ranges[i][0], ranges[i][0] + ranges[i][1]))

    def _in_tables(self, address: int) -> RunTimeFunction | None:
        table = self._tables.get(address)
        if table is None:
            return None
        index = bisect_entries(table.entries, _ENTRY.size, address - table.base)
        if index < 0:
            return None
        function = _ENTRY.unpack_from(table.entries, index * _ENTRY.size)
        return self._checked(table.base, function, address)

    def _in_clr(self, address: int) -> RunTimeFunction | None:
        """The nearest word below `address` that is a method's pointer to its header."""
        page = address & -8
        while page > address - _MAX_METHOD and self._budget > 0:
            start = page & -_PAGE if page & (_PAGE - 1) else page - _PAGE
            try:
                raw = self._memory.read(start, page - start)
            except MemoryUnavailable:
                return None
            words = unpack_from(f"<{len(raw) // 8}Q", raw)
            self._budget -= 1
            for i in range(len(words) - 1, -1, -1):
                word = words[i]
                if word & 7 or not 0x10000 <= word < 1 << 47:
                    continue
                self._budget -= 1
                found = self._by_header(word, start + 8 * i + 8, address)
                if found is not None:
                    return found
            page = start
        return None

    def _by_header(self, header: int, method: int, address: int) -> RunTimeFunction | None:
        """The entry for `address` in a header of the method that begins at `method`; None if it is no such header."""
        try:
            raw = self._memory.read(header, _SHORTEST_HEADER)
            count = int.from_bytes(raw[_COUNT_AT : _COUNT_AT + 4], "little")
            first = _ENTRY.unpack_from(raw, _COUNT_AT + 4)
            base = method - first[0]
            if not 1 <= count <= _MAX_ENTRIES or base < 0 or not 0 < first[0] < first[1]:
                return None
            if not method <= address < method + _MAX_METHOD:
                return None
            entries = self._memory.read(header + _COUNT_AT + 4, count * _ENTRY.size)
        except MemoryUnavailable:
            return None
        index = bisect_entries(entries, _ENTRY.size, address - base)
        return self._checked(base, _ENTRY.unpack_from(entries, index * _ENTRY.size), address) if index >= 0 else None

    def _checked(self, base: int, function: RuntimeFunction, address: int) -> RunTimeFunction | None:
        """The function, if it covers the address and its unwind information can be read."""
        begin, end, unwind = function
        if not base + begin <= address < base + end or unwind & 3:
            return None
        image = CodeBytes(self._memory, base)
        try:
            info = read_unwind_info(image, unwind)
        except (FormatError, MemoryUnavailable):
            return None
        return RunTimeFunction(base, function, image) if info.prolog_size <= end - begin else None
