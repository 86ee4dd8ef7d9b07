"""Names of types and ids (the TPI and IPI streams), one at a time.

Records have no fixed size and no table of offsets; but the hash stream keeps the offset of one record in each
8 kilobytes or so. From there it is a short walk, and one name costs a few pages of the file.
Layout: LLVM's docs/PDB/TpiStream.rst; leaf structures in cvinfo.h (microsoft/microsoft-pdb).
"""

from bisect import bisect_right
from struct import Struct

from mdmp.binary.record import Record, i32, u16, u32
from mdmp.errors import FormatError
from mdmp.formats.pdb.msf import Msf, Stream

LF_FUNC_ID, LF_MFUNC_ID, LF_STRING_ID = 0x1601, 0x1602, 0x1605
LF_ENUM, LF_UNION, LF_UNION2 = 0x1507, 0x1506, 0x160A
LF_CLASSES = frozenset((0x1504, 0x1505, 0x1519))  # LF_CLASS, LF_STRUCTURE, LF_INTERFACE
LF_CLASSES2 = frozenset((0x1608, 0x1609, 0x160B))
_PAIR = Struct("<II")
_HEAD = Struct("<HH")
_NUMERIC_SIZES = {0x8000: 1, 0x8001: 2, 0x8002: 2, 0x8003: 4, 0x8004: 4, 0x8009: 8, 0x800A: 8}

STEP = 1 << 17
"""How far apart remembered records lie, in bytes, where the file has no table of its own; more than a record takes."""
CHUNK_CACHE_SIZE = 256
NAME_CACHE_SIZE = 65536


class TpiStreamHeader(Record, size=56):
    Version: u32
    HeaderSize: u32
    TypeIndexBegin: u32
    TypeIndexEnd: u32
    TypeRecordBytes: u32
    HashStreamIndex: u16
    HashAuxStreamIndex: u16
    HashKeySize: u32
    NumHashBuckets: u32
    HashValueBufferOffset: i32
    HashValueBufferLength: u32
    IndexOffsetBufferOffset: i32
    IndexOffsetBufferLength: u32
    HashAdjBufferOffset: i32
    HashAdjBufferLength: u32


class TypeRecords:
    """Random access to the records of the TPI or the IPI stream."""

    def __init__(self, msf: Msf, index: int, name: str) -> None:
        self._stream = stream = msf.stream(index, name)
        header = TpiStreamHeader.read(stream.window(0, TpiStreamHeader.SIZE, "TpiStreamHeader"))
        self.begin: int = header.TypeIndexBegin
        self.end: int = header.TypeIndexEnd
        self._at: int = header.HeaderSize
        self._limit = min(stream.size, header.HeaderSize + header.TypeRecordBytes)
        self._chunks: dict[int, tuple[bytes, list[int]]] = {}
        self._anchors: list[tuple[int, int]] = [(self.begin, 0)]  # what was walked past, without a table
        self._table: Stream | None = None
        self._table_at: int = header.IndexOffsetBufferOffset
        self._table_count = header.IndexOffsetBufferLength // 8
        if self._table_count and self._table_at >= 0 and msf.exists(header.HashStreamIndex):
            table = msf.stream(header.HashStreamIndex, f"{name} hash")
            if self._table_at + 8 * self._table_count <= table.size:
                self._table = table

    def get(self, index: int) -> tuple[int, bytes]:
        """(leaf kind, the record's bytes from its length field on)."""
        if not self.begin <= index < self.end:
            raise FormatError(
                self._stream.name, f"expected an index from {self.begin:#x} to {self.end:#x}; found {index:#x}"
            )
        number, start, stop = self._place_in_table(index) if self._table else self._place_by_walking(index)
        data, offsets = self._chunk(start, stop)
        if index - number >= len(offsets):
            raise FormatError(self._stream.name, f"record {index:#x} is not where the table of offsets says", start)
        at = offsets[index - number]
        length, kind = _HEAD.unpack_from(data, at)
        return kind, data[at : at + 2 + length]

    def _pair(self, i: int) -> tuple[int, int]:
        assert self._table is not None
        index, offset = _PAIR.unpack(self._table.read(self._table_at + 8 * i, 8))
        return index, offset

    def _place_in_table(self, index: int) -> tuple[int, int, int]:
        """(index of the first record, its position, where the next known record is)."""
        i = bisect_right(range(self._table_count), index, key=lambda n: self._pair(n)[0]) - 1
        if i < 0:
            raise FormatError(self._stream.name, f"the table of offsets does not hold {index:#x}")
        number, offset = self._pair(i)
        following = self._pair(i + 1)[1] if i + 1 < self._table_count else self._limit - self._at
        return number, self._at + offset, self._at + min(max(following, offset), offset + (1 << 20))

    def _place_by_walking(self, index: int) -> tuple[int, int, int]:
        while self._anchors[-1][0] <= index:
            number, offset = self._anchors[-1]
            data, offsets = self._chunk(self._at + offset, self._at + offset + STEP)
            if not offsets:
                break
            last = offsets[-1]
            self._anchors.append((number + len(offsets), offset + last + 2 + _HEAD.unpack_from(data, last)[0]))
        i = bisect_right(self._anchors, (index, 1 << 32)) - 1
        number, offset = self._anchors[i]
        return number, self._at + offset, self._at + offset + STEP

    def _chunk(self, start: int, stop: int) -> tuple[bytes, list[int]]:
        """The bytes from `start` to `stop`, and where the records in them start."""
        chunk = self._chunks.get(start)
        if chunk is None:
            if not self._at <= start < self._limit:
                raise FormatError(self._stream.name, "the table of offsets points outside of the records", start)
            data = self._stream.read(start, min(stop, self._limit) - start)
            if len(self._chunks) >= CHUNK_CACHE_SIZE:
                self._chunks.clear()
            chunk = self._chunks[start] = data, walk_records(data)
        return chunk


def walk_records(data: bytes) -> list[int]:
    """Where each record starts; ends at a record that is cut."""
    offsets = []
    at, size = 0, len(data)
    while at + 4 <= size:
        following = at + 2 + (data[at] | data[at + 1] << 8)
        if following > size or following < at + 4:
            break
        offsets.append(at)
        at = following
    return offsets


class Names:
    """Names of functions by their id, with their scope; of types by their index."""

    def __init__(self, msf: Msf, has_ids: bool) -> None:
        self._types = TypeRecords(msf, 2, "PDB type stream (TPI)")
        self._ids = TypeRecords(msf, 4, "PDB id stream (IPI)") if has_ids else self._types
        self._known: dict[int, str] = {}

    def function(self, index: int) -> str:
        """The qualified name, without parameters, that an inline site's id stands for."""
        known = self._known.get(index)
        if known is None:
            kind, record = self._ids.get(index)
            scope, name = 0, ""
            if kind in (LF_FUNC_ID, LF_MFUNC_ID) and len(record) >= 12:
                scope = int.from_bytes(record[4:8], "little")
                name = _text(record, 12)
            elif kind == LF_STRING_ID:
                name = _text(record, 8)
            if not name:
                raise FormatError("PDB id stream (IPI)", f"id {index:#x} (leaf {kind:#x}) does not name a function")
            if scope:
                scope_kind, scope_record = (self._types if kind == LF_MFUNC_ID else self._ids).get(scope)
                qualifier = type_name(scope_kind, scope_record)
                if qualifier:
                    name = f"{qualifier}::{name}"
            known = name
            if len(self._known) >= NAME_CACHE_SIZE:
                self._known.clear()
            self._known[index] = known
        return known


def type_name(kind: int, record: bytes) -> str:
    """The name in a class, union, enumeration or string record; empty for other kinds."""
    if kind in LF_CLASSES:
        at = _skip_number(record, 20)
    elif kind == LF_UNION:
        at = _skip_number(record, 12)
    elif kind == LF_ENUM:
        at = 16
    elif kind == LF_STRING_ID:
        at = 8
    elif kind in LF_CLASSES2:
        at = _skip_number(record, _skip_number(record, 20))
    elif kind == LF_UNION2:
        at = _skip_number(record, 14)
    else:
        return ""
    return _text(record, at)


def _skip_number(record: bytes, at: int) -> int:
    """A number below 0x8000 stands for itself; above, it says which kind of number follows."""
    return at + 2 + _NUMERIC_SIZES.get(int.from_bytes(record[at : at + 2], "little"), 0)


def _text(record: bytes, at: int) -> str:
    end = record.find(0, at)
    return record[at : end if end >= 0 else None].decode("utf-8", "replace")
