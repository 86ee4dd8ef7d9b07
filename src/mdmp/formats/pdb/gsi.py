"""Publics and globals: name -> symbol through their hash tables, address -> public through the address map.

Both tables point into one stream of symbol records; neither is read through.
Layout: LLVM's docs/PDB/GlobalStream.rst and PublicStream.rst; gsi.h and misc.h (hash) in microsoft/microsoft-pdb.
"""

from bisect import bisect_right
from struct import Struct
from typing import NamedTuple

from mdmp.binary.record import Record, u16, u32
from mdmp.errors import FormatError
from mdmp.formats.pdb.msf import Stream, words

S_PUB32, S_PUB32_ST, S_PROCREF, S_LPROCREF = 0x110E, 0x1009, 0x1125, 0x1127
PUBLIC_CODE, PUBLIC_FUNCTION = 1, 2
HASH_SIGNATURE = 0xF12F091A
BUCKETS = 4096
BITMAP_SIZE = (BUCKETS // 32 + 1) * 4
MAX_SAME = 64
"""How many publics of one address are looked at."""
MAX_CHAIN = 4096
_PUBLIC = Struct("<HHIIH")
_REFERENCE = Struct("<HHIIH")


class PublicSymbol(NamedTuple):
    """A public: `name` is decorated as the linker knows it."""

    section: int
    offset: int
    flags: int
    name: str

    @property
    def is_code(self) -> bool:
        return bool(self.flags & (PUBLIC_CODE | PUBLIC_FUNCTION))


class ProcedureReference(NamedTuple):
    """Where the record of a procedure lies: the module's index and the position in its stream."""

    module: int
    position: int
    name: str


class PublicsStreamHeader(Record, size=28):
    SymHash: u32
    AddrMap: u32
    NumThunks: u32
    SizeOfThunk: u32
    ISectThunkTable: u16
    Padding: u16
    OffThunkTable: u32
    NumSections: u32


class GsiHashHeader(Record, size=16):
    VerSignature: u32
    VerHdr: u32
    HrSize: u32
    NumBuckets: u32


class HashTable:
    """Name -> offsets of symbol records. Chains are consecutive; a bit set tells which of the buckets are not empty."""

    def __init__(self, stream: Stream, at: int) -> None:
        self._stream = stream
        header = GsiHashHeader.read(stream.window(at, GsiHashHeader.SIZE, "GsiHashHeader"))
        if header.VerSignature != 0xFFFFFFFF or header.VerHdr != HASH_SIGNATURE:
            raise FormatError(stream.name, f"unknown version of the hash table {header.VerHdr:#x}", at)
        self._records_at = at + GsiHashHeader.SIZE
        self._count = header.HrSize // 8
        self._buckets_at = self._records_at + header.HrSize
        self._buckets: tuple[int, list[int]] | None = None

    def candidates(self, name: bytes) -> list[int]:
        """Offsets of the records whose names may be `name` (they share its bucket)."""
        if self._buckets is None:
            bitmap = int.from_bytes(self._stream.read(self._buckets_at, BITMAP_SIZE), "little")
            filled = bitmap.bit_count()
            firsts = words(self._stream.read(self._buckets_at + BITMAP_SIZE, 4 * filled))
            # Bucket entries count records of 12 bytes, the size that they have in the linker's memory.
            self._buckets = bitmap, [*(first // 12 for first in firsts), self._count]
        bitmap, firsts_ = self._buckets
        bucket = hash_name(name) % BUCKETS
        if not bitmap >> bucket & 1:
            return []
        rank = (bitmap & ((1 << bucket) - 1)).bit_count()
        first, end = firsts_[rank], min(firsts_[rank + 1], self._count)
        if not 0 <= first < end:
            return []
        end = min(end, first + MAX_CHAIN)
        return [o - 1 for o in words(self._stream.read(self._records_at + 8 * first, 8 * (end - first)))[::2] if o]


def hash_name(name: bytes) -> int:
    """The name hash of PDB hash tables (version 1): blind to the case of letters."""
    whole = len(name) & ~3
    result = 0
    for word in words(name[:whole]):
        result ^= word
    at = whole
    if len(name) - at >= 2:
        result ^= name[at] | name[at + 1] << 8
        at += 2
    if at < len(name):
        result ^= name[at]
    result |= 0x20202020
    result ^= result >> 11
    return result ^ result >> 16


class Globals:
    """Procedures by name, through the references that the globals hold."""

    def __init__(self, stream: Stream, symbols: Stream) -> None:
        self._table = HashTable(stream, 0)
        self._symbols = symbols

    def procedures(self, name: str) -> list[ProcedureReference]:
        wanted = name.encode("utf-8", "replace")
        found = []
        for at in self._table.candidates(wanted):
            length, kind, _, position, module = _REFERENCE.unpack(self._symbols.read(at, 14))
            if kind in (S_PROCREF, S_LPROCREF):
                text = self._symbols.cstring(at + 14, max(length - 12, 0))
                if text == wanted:
                    found.append(ProcedureReference(module - 1, position, name))
        return found


class Publics:
    """The public symbols; the address map holds the offsets of their records, sorted by address."""

    def __init__(self, stream: Stream, symbols: Stream) -> None:
        header = PublicsStreamHeader.read(stream.window(0, PublicsStreamHeader.SIZE, "PublicsStreamHeader"))
        self._stream = stream
        self._symbols = symbols
        self._map_at = PublicsStreamHeader.SIZE + header.SymHash
        self._count = header.AddrMap // 4
        if self._map_at + 4 * self._count > stream.size:
            raise FormatError(stream.name, f"an address map of {self._count} entries does not fit")
        self._hash_size = header.SymHash

    def __len__(self) -> int:
        return self._count

    def _record_at(self, index: int) -> int:
        return self._stream.u32(self._map_at + 4 * index)

    def _place(self, index: int) -> tuple[int, int]:
        _, _, _, offset, section = _PUBLIC.unpack(self._symbols.read(self._record_at(index), 14))
        return section, offset

    def _get(self, at: int) -> PublicSymbol:
        length, kind, flags, offset, section = _PUBLIC.unpack(self._symbols.read(at, 14))
        if kind == S_PUB32:
            name = self._symbols.cstring(at + 14, max(length - 12, 0))
        elif kind == S_PUB32_ST:
            name = self._symbols.read(at + 15, self._symbols.read(at + 14, 1)[0])
        else:
            raise FormatError(self._symbols.name, f"expected a public symbol; found record kind {kind:#x}", at)
        return PublicSymbol(section, offset, flags, name.decode("utf-8", "replace"))

    def nearest(self, section: int, offset: int) -> list[PublicSymbol]:
        """All publics at the last address of the section that is not beyond `offset`; empty when there is none."""
        i = bisect_right(range(self._count), (section, offset), key=self._place) - 1
        found: list[PublicSymbol] = []
        while i >= 0 and len(found) < MAX_SAME:
            public = self.get(i)
            if public.section != section or (found and public.offset != found[0].offset) or public.offset > offset:
                break
            found.append(public)
            i -= 1
        found.reverse()
        return found

    def named(self, name: str) -> list[PublicSymbol]:
        """The publics of exactly this (decorated) name."""
        if not self._hash_size:
            return []
        table = HashTable(self._stream, PublicsStreamHeader.SIZE)
        found = map(self._get, table.candidates(name.encode("utf-8", "replace")))
        return [public for public in found if public.name == name]

    def get(self, index: int) -> PublicSymbol:
        """A public by its number in the order of addresses."""
        return self._get(self._record_at(index))
