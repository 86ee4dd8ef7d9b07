"""A portable PDB: from a method and an IL offset to file and line.

Source: the portable PDB specification (dotnet/runtime, docs/design/specs/PortablePdb-Metadata.md).
"""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Annotated, NamedTuple

from mdmp.binary.record import Bytes, Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.clr.embedded import inflate
from mdmp.formats.clr.metadata import METHOD_DEF, method_row
from mdmp.formats.clr.root import SIGNATURE, Root, unsigned
from mdmp.formats.clr.schema import CODED
from mdmp.formats.clr.sequence_points import SequencePoint, sequence_points
from mdmp.formats.clr.tables import MAX_ROWS, Tables


def _guid(text: str) -> bytes:
    """The raw bytes of a GUID as the specification prints it."""
    raw = bytes.fromhex(text.replace("-", ""))
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]


_CHECKSUMS = {
    _guid("ff1816ec-aa5e-4d10-87f7-6f4963833460"): "SHA1",
    _guid("8829d00f-11b8-4213-878b-770e8597ac16"): "SHA256",
    _guid("406ea660-64cf-4c82-b6f0-42d48172a799"): "MD5",
}
_EMBEDDED_SOURCE = _guid("0e8a571b-6926-466e-b4ad-8ab04611f5fe")
_SOURCE_LINK = _guid("cc110556-a091-4d38-9fec-25ab9a351a6a")

_MAX_PATH = 8192
_MAX_SOURCE = 1 << 26
_MAX_LINKS = 1 << 24
_MAX_NOTES = 1 << 16


class PdbHeader(Record, size=32):
    """The `#Pdb` stream; a row count follows for every bit of ReferencedTypeSystemTables."""

    Id: Annotated[bytes, Bytes(20)]
    EntryPoint: u32
    ReferencedTypeSystemTables: u64


class Document(NamedTuple):
    """A source file."""

    row: int
    name: str
    """The path as the compiler saw it."""
    checksum: tuple[str, bytes] | None
    """Kind (`SHA1`, `SHA256`, `MD5`) and digest."""


class SourcePlace(NamedTuple):
    """A place in a source file; line and column are counted from 1."""

    document: Document
    line: int
    column: int


def is_portable_pdb(window: Window) -> bool:
    return window.size >= 4 and window.u32(0) == SIGNATURE


class PortablePdb:
    """Answers from a portable PDB. It does not know what its methods are called: the assembly does."""

    def __init__(self, window: Window) -> None:
        """Raises `FormatError` when it is no portable PDB."""
        self._root = Root(window)
        stream = self._root.stream("#Pdb")
        if stream is None:
            raise FormatError(window.name, "expected a portable PDB; found metadata without a #Pdb stream")
        header = PdbHeader.read(stream)
        self.id: bytes = header.Id
        """GUID and time stamp, as image and PDB share them."""
        outside: dict[int, int] = {}
        at = header.SIZE
        for number in range(64):
            if header.ReferencedTypeSystemTables >> number & 1:
                outside[number] = min(stream.u32(at, "TypeSystemTableRows"), MAX_ROWS)
                at += 4
        self._tables = Tables(self._root.tables, outside)
        self._document = lru_cache(maxsize=1024)(self._read_document)

    @property
    def guid(self) -> bytes:
        """16 raw bytes, as in the image's CodeView record."""
        return self.id[:16]

    @property
    def stamp(self) -> int:
        """Equals the TimeDateStamp of the image's debug directory entry."""
        return int.from_bytes(self.id[16:], "little")

    @property
    def documents(self) -> Iterator[Document]:
        """All source files; those that cannot be read are left out."""
        for row in range(1, self._tables["Document"].count + 1):
            try:
                yield self._document(row)
            except FormatError:
                continue

    def lookup(self, token: int, offset: int) -> SourcePlace | None:
        """What stands at `offset` (in bytes of IL) of the method with this token; None where no line is known.

        In code that the compiler added of its own the line before counts, as in the stack traces of .NET.
        Raises `FormatError` where the file is damaged.
        """
        best: SequencePoint | None = None
        for point in self.sequence_points(token):
            if point.offset > offset:
                break
            if point.line:
                best = point
        return SourcePlace(self._document(best.document), best.line, best.column) if best else None

    def sequence_points(self, token: int) -> Iterator[SequencePoint]:
        """Of a method, in order; none for a token of anything else. Raises `FormatError`."""
        table, row = self._tables["MethodDebugInformation"], method_row(token)
        if row is not None and 1 <= row <= table.count:
            blob = self._root.blob(table.cell(row, "SequencePoints"))
            yield from sequence_points(blob, table.cell(row, "Document"))

    def written_as(self, token: int) -> int:
        """The method that a person wrote, for one that the compiler made of an async method or an iterator (`MoveNext`
        of a class of its own); else `token`. Raises `FormatError`.
        """
        table, row = self._tables["StateMachineMethod"], method_row(token)
        found = table.find("MoveNextMethod", row) if row else 0
        return METHOD_DEF << 24 | table.cell(found, "KickoffMethod") if found else token

    def url(self, document: Document) -> str | None:
        """Where the file can be had, by the source link of the build."""
        rules = self._source_link
        if not rules:
            return None
        from mdmp.formats.clr.source_link import source_url

        return source_url(rules, document.name)

    def embedded_source(self, document: Document) -> bytes | None:
        """The file itself, where the build has put it into the PDB. Raises `FormatError` when it is damaged."""
        parent = document.row << 5 | _DOCUMENT_TAG
        blob = next(self._notes(parent, _EMBEDDED_SOURCE), None)
        if blob is None:
            return None
        size, packed = blob.u32(0, "embedded source"), blob.read(4, blob.size - 4)
        if size == 0:
            return packed
        if size > _MAX_SOURCE:
            raise FormatError("embedded source", f"expected at most {_MAX_SOURCE:#x} bytes; found {size:#x}")
        return inflate(packed, size, "embedded source")

    @cached_property
    def _source_link(self) -> dict[str, str]:
        """Path to URL, both with one `*` at most; empty when there is none that can be read."""
        import json

        try:
            blob = next(self._notes(1 << 5 | _MODULE_TAG, _SOURCE_LINK), None)
            found = json.loads(blob.tobytes()) if blob and blob.size <= _MAX_LINKS else None
        except (FormatError, ValueError, RecursionError):
            return {}
        links = found.get("documents") if isinstance(found, dict) else None
        if not isinstance(links, dict):
            return {}
        return {path: url for path, url in links.items() if isinstance(url, str)}

    def _notes(self, parent: int, kind: bytes) -> Iterator[Window]:
        """Values of CustomDebugInformation of one kind about one thing."""
        table = self._tables["CustomDebugInformation"]
        row = table.last_not_above("Parent", parent)
        for at in range(row, max(row - _MAX_NOTES, 0), -1):
            if table.cell(at, "Parent") != parent:
                return
            if self._root.guid(table.cell(at, "Kind")) == kind:
                yield self._root.blob(table.cell(at, "Value"))

    def _read_document(self, row: int) -> Document:
        table = self._tables["Document"]
        kind = _CHECKSUMS.get(self._root.guid(table.cell(row, "HashAlgorithm")))
        digest = self._root.blob(table.cell(row, "Hash"))
        checksum = (kind, digest.read(0, min(digest.size, 64))) if kind else None
        return Document(row, self._path(self._root.blob(table.cell(row, "Name"))), checksum)

    def _path(self, blob: Window) -> str:
        """A path in parts, so that files of one folder share its name: a separator, then blobs."""
        separator = blob.read(0, 1)
        at = 1
        parts: list[bytes] = []
        length = 0
        while at < blob.size and length <= _MAX_PATH:
            index, at = unsigned(blob, at)
            part = self._root.blob(index)
            parts.append(part.read(0, min(part.size, _MAX_PATH)))
            length += part.size + 1
        if length > _MAX_PATH:
            raise FormatError("Document.Name", f"expected at most {_MAX_PATH} bytes; found more", blob.start)
        return separator.strip(b"\0").join(parts).decode("utf-8", "replace")


_TAGS = CODED["HasCustomDebugInformation"][1].split()
_DOCUMENT_TAG, _MODULE_TAG = _TAGS.index("Document"), _TAGS.index("Module")
