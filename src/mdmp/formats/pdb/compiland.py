"""One module's stream: its scopes, lines, inlined functions and files, each read when first asked for."""

from collections.abc import Iterator

from mdmp.errors import FormatError
from mdmp.formats.pdb.c11 import find_old_line, read_old_lines
from mdmp.formats.pdb.dbi import ModuleInfo
from mdmp.formats.pdb.extents import Extent, ExtentTable
from mdmp.formats.pdb.frames import FrameTable
from mdmp.formats.pdb.info import StringTable
from mdmp.formats.pdb.lines import (
    CHECKSUM_KINDS,
    DEBUG_S_CROSSSCOPEEXPORTS,
    DEBUG_S_CROSSSCOPEIMPORTS,
    DEBUG_S_FILECHKSMS,
    DEBUG_S_FRAMEDATA,
    DEBUG_S_INLINEELINES,
    Subsection,
    find_import,
    find_line,
    iter_lines,
    read_exports,
    read_inlinees,
    scan_subsections,
)
from mdmp.formats.pdb.msf import Stream
from mdmp.formats.pdb.symbols import (
    MAX_BODY,
    NAMED,
    record_name,
    scan_scopes,
)

CHUNK = 1 << 18
"""How much is read at once; more than any symbol record takes."""
CV_SIGNATURES = (2, 4)  # C11 (names with a length before Visual C++ 2005) and C13
Checksum = tuple[str, bytes]
File = tuple[str, Checksum | None]


class Compiland:
    """Offsets of code are offsets in their section; `names` is the PDB's string table, None when it is damaged."""

    def __init__(self, info: ModuleInfo, stream: Stream, names: StringTable | None) -> None:
        self.info = info
        self._stream = stream
        self._names = names
        sizes = info.symbols_size, info.c11_size, info.c13_size
        if sum(sizes) > stream.size:
            raise FormatError(stream.name, f"parts of {sizes} bytes do not fit into {stream.size}")
        self._c13_at = info.symbols_size + info.c11_size
        self._scopes: ExtentTable | None = None
        self._labels = ExtentTable()
        self._lines: ExtentTable | None = None
        self._others: list[Subsection] = []
        self._old_data = b""
        self._old_lines: ExtentTable | None = None
        self._old_files: list[str] = []
        self._inlinees: dict[int, tuple[int, int]] | None = None
        self._files: dict[int, File] = {}

    # Symbols

    def _read_scopes(self) -> ExtentTable:
        if self._scopes is None:
            limit = self.info.symbols_size
            if limit >= 4 and (signature := self._stream.u32(0)) not in CV_SIGNATURES:
                raise FormatError(self._stream.name, f"expected CodeView signature 2 or 4; found {signature}")
            found = ExtentTable()
            at = 4
            while at < limit:
                following = scan_scopes(self._stream.read(at, min(CHUNK, limit - at)), at, limit, found, self._labels)
                if following <= at:
                    break
                at = following
                found.pack()
            found.seal()
            self._labels.seal()
            self._scopes = found
        return self._scopes

    def scope(self, section: int, offset: int) -> Extent | None:
        """The innermost procedure, thunk or piece of separated code at a place."""
        return self._read_scopes().find(section, offset)

    def scopes(self) -> Iterator[Extent]:
        return iter(self._read_scopes())

    def label(self, section: int, offset: int) -> Extent | None:
        """The last label before a place, of those that stand outside of procedures.

        So the 32-bit compiler marks its exception handlers, which have no procedure records.
        """
        self._read_scopes()
        return self._labels.nearest(section, offset)

    def scope_at(self, position: int) -> Extent | None:
        """The scope whose record lies at a position, as a global reference names it."""
        found = ExtentTable()
        limit = self.info.symbols_size
        data = self._stream.read(position, min(0x10002, max(limit - position, 0)))
        scan_scopes(data, position, limit, found, ExtentTable())
        found.seal()
        return next((scope for scope in found if scope.position == position), None)

    def record(self, scope: Extent) -> bytes:
        """The scope's own record."""
        return self._stream.read(scope.position, 2 + self._stream.u16(scope.position))

    def body(self, scope: Extent) -> bytes:
        """The scope's record and all records in it (only the first ones of a scope of absurd size)."""
        end = scope.end or self.info.symbols_size
        return self._stream.read(scope.position, min(end - scope.position, MAX_BODY))

    def name(self, scope: Extent) -> str:
        """The name in the scope's record; empty for kinds that have none."""
        return record_name(self.record(scope), scope.kind) if scope.kind in NAMED else ""

    # Lines

    def _read_subsections(self) -> ExtentTable:
        if self._lines is None:
            limit = self._c13_at + self.info.c13_size
            lines = ExtentTable()
            at = self._c13_at
            while at < limit:
                following = scan_subsections(
                    self._stream.read(at, min(CHUNK, limit - at)), at, limit, lines, self._others
                )
                if following <= at:
                    break
                at = following
                lines.pack()
            lines.seal()
            self._lines = lines
        return self._lines

    def line(self, section: int, offset: int) -> tuple[int, int] | None:
        """(line, file id) of the code at a place."""
        part = self._read_subsections().find(section, offset)
        if part is None:
            return self._old_line(section, offset) if self.info.c11_size else None
        data = self._stream.read(part.position, part.end - part.position)
        found = find_line(data, offset - part.offset)
        return found[1:] if found else None

    def _old_line(self, section: int, offset: int) -> tuple[int, int] | None:
        if self._old_lines is None:
            self._old_data = self._stream.read(self.info.symbols_size, self.info.c11_size)
            self._old_lines = ExtentTable()
            self._old_files = read_old_lines(self._old_data, self._old_lines)
            self._old_lines.seal()
        part = self._old_lines.find(section, offset)
        line = find_old_line(self._old_data, part.position, offset) if part else None
        return (line, -1 - part.kind) if part and line is not None else None

    def lines(self) -> Iterator[tuple[Extent, list[tuple[int, int, int]]]]:
        """Every line table with its (offset, line, file id) records."""
        for part in self._read_subsections():
            yield part, iter_lines(self._stream.read(part.position, part.end - part.position))

    def frame_tables(self) -> list[FrameTable]:
        """FRAMEDATA that stayed with the module."""
        return [FrameTable(data) for data in self._parts(DEBUG_S_FRAMEDATA)]

    def _parts(self, kind: int) -> Iterator[bytes]:
        self._read_subsections()
        for part in self._others:
            if part.kind == kind:
                yield self._stream.read(part.position, part.size)

    def inlinee(self, index: int) -> tuple[int, int] | None:
        """(file id, first line) of a function that is inlined in this module."""
        if self._inlinees is None:
            self._inlinees = {}
            for data in self._parts(DEBUG_S_INLINEELINES):
                self._inlinees.update(read_inlinees(data))
        return self._inlinees.get(index)

    def imported(self, reference: int) -> tuple[str, int] | None:
        """(module name, id there) of a reference to another module's id (its high bit is set)."""
        for data in self._parts(DEBUG_S_CROSSSCOPEIMPORTS):
            found = find_import(data, reference)
            if found and self._names:
                return self._names.get(found[0]), found[1]
        return None

    def exported(self, local: int) -> int | None:
        """The id in the whole program of what this module exports as `local`."""
        for data in self._parts(DEBUG_S_CROSSSCOPEEXPORTS):
            found = read_exports(data).get(local)
            if found is not None:
                return found
        return None

    def file(self, file_id: int) -> File:
        """(path, checksum) of a file id: an offset in DEBUG_S_FILECHKSMS, or -1, -2… in a C11 table."""
        known = self._files.get(file_id)
        if known is None and file_id < 0:
            return self._old_files[-1 - file_id], None
        if known is None:
            self._read_subsections()
            part = next((part for part in self._others if part.kind == DEBUG_S_FILECHKSMS), None)
            if part is None or file_id + 6 > part.size:
                raise FormatError(f"{self._stream.name}.DEBUG_S_FILECHKSMS", f"no file with the id {file_id:#x}")
            entry = self._stream.read(part.position + file_id, min(6 + 255, part.size - file_id))
            size, kind = entry[4], entry[5]
            digest = entry[6 : 6 + size]
            checksum = (CHECKSUM_KINDS.get(kind, f"kind {kind}"), digest) if kind and digest else None
            if self._names is None:
                raise FormatError(f"{self._stream.name}.DEBUG_S_FILECHKSMS", "the string table is missing")
            known = self._files[file_id] = self._names.get(int.from_bytes(entry[:4], "little")), checksum
        return known

    def files(self) -> list[File]:
        """All files that the module's code came from."""
        found = []
        for data in self._parts(DEBUG_S_FILECHKSMS):
            at = 0
            while at + 6 <= len(data):
                found.append(self.file(at))
                at += 6 + data[at + 4] + 3 & ~3
        return found
