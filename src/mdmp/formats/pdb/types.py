"""Names of types and ids (the TPI and IPI streams), one at a time.

Records have no fixed size and no table of offsets; but the hash stream keeps the offset of one record in each
8 kilobytes or so. From there it is a short walk, and one name costs a few pages of the file.
Layout: LLVM's docs/PDB/TpiStream.rst; leaf structures in cvinfo.h (microsoft/microsoft-pdb).
"""

from array import array
from bisect import bisect_right
from struct import Struct

from mdmp.binary.record import Record, i32, u16, u32
from mdmp.errors import FormatError
from mdmp.formats.pdb.msf import Msf, words

LF_FUNC_ID, LF_MFUNC_ID, LF_STRING_ID = 0x1601, 0x1602, 0x1605
LF_ENUM, LF_UNION, LF_UNION2 = 0x1507, 0x1506, 0x160A
LF_CLASSES = frozenset((0x1504, 0x1505, 0x1519))  # LF_CLASS, LF_STRUCTURE, LF_INTERFACE
LF_CLASSES2 = frozenset((0x1608, 0x1609, 0x160B))
_HEAD = Struct("<HH")
_NUMERIC_SIZES = {0x8000: 1, 0x8001: 2, 0x8002: 2, 0x8003: 4, 0x8004: 4, 0x8009: 8, 0x800A: 8}

STEP = 1 << 17
"""How far apart remembered records lie, in bytes, where the file has no table of its own; more than a record takes."""
MAX_CHUNK = 1 << 18
CHUNK_CACHE_SIZE = 128
NAME_CACHE_SIZE = 8192


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
        self._chunks: dict[int, bytes] = {}
        # Index and position of a record here and there, sorted: from the hash stream, else what was walked past.
        self._indexes, self._offsets = [self.begin], [0]
        self._has_table = False
        pairs = _read_table(msf, header, name)
        if pairs:
            self._indexes, self._offsets = [*pairs[::2], self.end], [*pairs[1::2], self._limit - self._at]
            self._has_table = True

    def get(self, index: int) -> tuple[int, bytes]:
        """(leaf kind, the record's bytes from its length field on)."""
        if not self.begin <= index < self.end:
            problem = f"expected an index from {self.begin:#x} to {self.end:#x}; found {index:#x}"
            raise FormatError(self._stream.name, problem)
        while not self._has_table and self._indexes[-1] <= index:
            self._walk_on()
        i = bisect_right(self._indexes, index) - 1
        if i < 0:
            raise FormatError(self._stream.name, f"the table of offsets does not hold {index:#x}")
        start, stop = self._offsets[i : i + 2]
        data = self._chunk(self._at + start, min(stop - start, MAX_CHUNK))
        at = find_record(data, index - self._indexes[i])
        if at < 0:
            raise FormatError(self._stream.name, f"record {index:#x} is not where the table of offsets says", start)
        length, kind = _HEAD.unpack_from(data, at)
        return kind, data[at : at + 2 + length]

    def _walk_on(self) -> None:
        """Without a table: remember one more record, some way behind the last one remembered."""
        start = self._offsets[-1]
        data = self._chunk(self._at + start, min(STEP, self._limit - self._at - start))
        at = count = 0
        while at + 4 <= len(data) and (following := at + 2 + _HEAD.unpack_from(data, at)[0]) <= len(data):
            at, count = following, count + 1
        if not count:
            raise FormatError(self._stream.name, "the records end before their count", self._at + start)
        self._indexes.append(self._indexes[-1] + count)
        self._offsets.append(start + at)

    def _chunk(self, start: int, size: int) -> bytes:
        known = self._chunks.get(start)
        if known is None:
            known = self._stream.read(start, size)
            if len(self._chunks) >= CHUNK_CACHE_SIZE:
                self._chunks.clear()
            self._chunks[start] = known
        return known


def _read_table(msf: Msf, header: TpiStreamHeader, name: str) -> "array[int]":
    """The table of indexes and offsets; empty when there is none, or it is damaged: all can be found without it."""
    at, count = header.IndexOffsetBufferOffset, header.IndexOffsetBufferLength // 8
    try:
        return words(msf.stream(header.HashStreamIndex, f"{name} hash").read(at, 8 * count))
    except FormatError:
        return array("I")


def find_record(data: bytes, number: int) -> int:
    """Where record `number` of a row of records starts; -1 when it is cut."""
    at, size = 0, len(data)
    unpack = _HEAD.unpack_from
    for _ in range(number):
        if at + 4 > size:
            return -1
        at += 2 + unpack(data, at)[0]
    return at if at + 4 <= size and at + 2 + unpack(data, at)[0] <= size else -1


class Names:
    """Names of functions by their id, with their scope; of types by their index."""

    def __init__(self, msf: Msf, type_stream: int, id_stream: int) -> None:
        self._types = TypeRecords(msf, type_stream, "PDB type stream (TPI)")
        # Before VC11 there was no stream of ids: they stand among the types.
        self._ids = self._types
        if id_stream != type_stream:
            self._ids = TypeRecords(msf, id_stream, "PDB id stream (IPI)")
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
            qualifier = self._scope(scope, self._types if kind == LF_MFUNC_ID else self._ids) if scope else ""
            known = f"{qualifier}::{name}" if qualifier else name
            if len(self._known) >= NAME_CACHE_SIZE:
                self._known.clear()
            self._known[index] = known
        return known

    @staticmethod
    def _scope(index: int, records: TypeRecords) -> str:
        try:
            return type_name(*records.get(index))
        except FormatError:
            return ""  # a name without its class is better than none


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
