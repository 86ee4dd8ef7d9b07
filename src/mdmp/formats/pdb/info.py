"""The PDB info stream (identity, named streams, features) and the string table "/names".

Layout: LLVM's docs/PDB/PdbStream.rst and HashTable.rst.
"""

from typing import Annotated

from mdmp.binary.record import Bytes, Record, u32
from mdmp.errors import FormatError
from mdmp.formats.pdb.msf import Stream, words

FEATURES = {20091201: "VC110", 20140508: "VC140", 0x4D544F4E: "no type merge", 0x494E494D: "fastlink"}
STRING_TABLE_SIGNATURE = 0xEFFEEFFE
MAX_TEXT = 8192
NAME_CACHE_SIZE = 4096


class PdbStreamHeader(Record, size=28):
    Version: u32
    Signature: u32
    Age: u32
    Guid: Annotated[bytes, Bytes(16)]


class PdbInfo:
    """Identity: `guid` as its 16 raw bytes, `age` (the one of the DBI stream is what images refer to)."""

    def __init__(self, stream: Stream) -> None:
        data = stream.read(0, min(stream.size, 1 << 20))
        header = PdbStreamHeader.read(stream.window(0, PdbStreamHeader.SIZE, "PdbStreamHeader"))
        self.version: int = header.Version
        self.signature: int = header.Signature
        self.age: int = header.Age
        self.guid: bytes = header.Guid
        self.named_streams, rest = _named_streams(data, PdbStreamHeader.SIZE, stream.name)
        self.features = tuple(FEATURES[code] for code in words(data[rest:]) if code in FEATURES)
        self.has_id_stream = "VC110" in self.features or "VC140" in self.features


def _named_streams(data: bytes, at: int, place: str) -> tuple[dict[str, int], int]:
    """Name -> stream index, and where the map ends. The map is the runtime's hash table: two bit sets, then pairs."""

    def u32_at(position: int) -> int:
        if position + 4 > len(data):
            raise FormatError(f"{place}.named streams", "the map is cut", position)
        return int.from_bytes(data[position : position + 4], "little")

    if at >= len(data):
        return {}, at
    names_at = at + 4
    at = names_at + u32_at(at)
    count = u32_at(at)
    at += 8
    for _ in range(2):  # the sets of used and of deleted slots
        at += 4 + 4 * u32_at(at)
    if at + 8 * count > len(data):
        raise FormatError(f"{place}.named streams", f"{count} entries do not fit", at)
    found = {}
    for entry in range(at, at + 8 * count, 8):
        start = names_at + u32_at(entry)
        end = data.find(0, start)
        if end >= 0:
            found[data[start:end].decode("utf-8", "replace")] = u32_at(entry + 4)
    return found, at + 8 * count


class StringTable:
    """The stream "/names": texts by offset (file names, frame programs, module names)."""

    def __init__(self, stream: Stream) -> None:
        signature, _version, self._size = words(stream.read(0, 12, "StringTableHeader"))
        if signature != STRING_TABLE_SIGNATURE:
            raise FormatError(stream.name, f"expected the signature {STRING_TABLE_SIGNATURE:#x}; found {signature:#x}")
        self._stream = stream
        self._known: dict[int, str] = {}

    def get(self, offset: int) -> str:
        known = self._known.get(offset)
        if known is None:
            if offset >= self._size:
                raise FormatError(self._stream.name, f"expected an offset < {self._size:#x}; found {offset:#x}")
            known = self._stream.cstring(12 + offset, MAX_TEXT).decode("utf-8", "replace")
            if len(self._known) >= NAME_CACHE_SIZE:
                self._known.clear()
            self._known[offset] = known
        return known
