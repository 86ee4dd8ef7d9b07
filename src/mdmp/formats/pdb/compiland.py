"""One module's stream: its scopes, lines, inlined functions and files, each read when first asked for."""

from collections.abc import Iterator

from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError
from mdmp.formats.pdb.dbi import ModuleInfo
from mdmp.formats.pdb.info import StringTable
from mdmp.formats.pdb.lines import (
    CHECKSUM_KINDS,
    DEBUG_S_CROSSSCOPEEXPORTS,
    DEBUG_S_CROSSSCOPEIMPORTS,
    DEBUG_S_FILECHKSMS,
    DEBUG_S_INLINEELINES,
    NO_LINE,
    LineSection,
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
    PROCEDURES,
    S_SEPCODE,
    S_THUNK32,
    S_TRAMPOLINE,
    Scope,
    record_name,
    scan_scopes,
)

CHUNK = 1 << 18
"""How much is read at once; more than any symbol record takes."""
CV_SIGNATURE_C13 = 4
BODY_CACHE_SIZE = 64
Checksum = tuple[str, bytes]
File = tuple[str, Checksum | None]


def section_key(section: int, offset: int) -> int:
    return section << 32 | offset


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
        self._scopes: RangeMap[Scope] | None = None
        self._labels: list[Scope] = []
        self._lines: RangeMap[LineSection] | None = None
        self._others: list[Subsection] = []
        self._inlinees: dict[int, tuple[int, int]] | None = None
        self._files: dict[int, File] = {}
        self._bodies: dict[int, bytes] = {}

    # Symbols

    def _read_scopes(self) -> RangeMap[Scope]:
        if self._scopes is None:
            limit = self.info.symbols_size
            if limit >= 4 and (signature := self._stream.u32(0)) != CV_SIGNATURE_C13:
                raise FormatError(self._stream.name, f"expected CodeView signature 4 (C13); found {signature}")
            found: list[Scope] = []
            at = 4
            while at < limit:
                following = scan_scopes(self._stream.read(at, min(CHUNK, limit - at)), at, limit, found)
                if following <= at:
                    break
                at = following
            self._labels = [scope for scope in found if not scope.size]
            starts = ((section_key(s.section, s.offset), s) for s in found if s.size)
            self._scopes = RangeMap((key, key + s.size, s) for key, s in starts)
        return self._scopes

    def scope(self, section: int, offset: int) -> Scope | None:
        """The innermost procedure, thunk or piece of separated code at a place."""
        return self._read_scopes().get(section_key(section, offset))

    def scopes(self) -> Iterator[Scope]:
        return (scope for _, _, scope in self._read_scopes())

    def scope_at(self, position: int) -> Scope | None:
        """The scope whose record lies at a position, as a global reference names it."""
        found: list[Scope] = []
        limit = self.info.symbols_size
        scan_scopes(self._stream.read(position, min(0x10002, max(limit - position, 0))), position, limit, found)
        return found[0] if found and found[0].position == position else None

    def record(self, scope: Scope) -> bytes:
        """The scope's own record."""
        return self._stream.read(scope.position, 2 + self._stream.u16(scope.position))

    def body(self, scope: Scope) -> bytes:
        """The scope's record and all records in it (only the first ones of a scope of absurd size)."""
        known = self._bodies.get(scope.position)
        if known is None:
            end = scope.end or self.info.symbols_size
            known = self._stream.read(scope.position, min(end - scope.position, MAX_BODY))
            if len(self._bodies) >= BODY_CACHE_SIZE:
                self._bodies.clear()
            self._bodies[scope.position] = known
        return known

    def name(self, scope: Scope) -> str:
        return record_name(self.record(scope), scope.kind) if scope.kind in PROCEDURES | {S_THUNK32} else ""

    # Lines

    def _read_subsections(self) -> RangeMap[LineSection]:
        if self._lines is None:
            limit = self._c13_at + self.info.c13_size
            lines: list[LineSection] = []
            at = self._c13_at
            while at < limit:
                following = scan_subsections(
                    self._stream.read(at, min(CHUNK, limit - at)), at, limit, lines, self._others
                )
                if following <= at:
                    break
                at = following
            starts = ((section_key(part.section, part.offset), part) for part in lines)
            self._lines = RangeMap((key, key + part.size, part) for key, part in starts)
        return self._lines

    def line(self, section: int, offset: int) -> tuple[int, int] | None:
        """(line, file id) of the code at a place. Marks that mean "no line" give None."""
        part = self._read_subsections().get(section_key(section, offset))
        if part is None:
            return None
        data = self._stream.read(part.position, part.end - part.position)
        found = find_line(data, offset - part.offset)
        if found is None or found[1] in NO_LINE:
            return None
        return found[1], found[2]

    def lines(self) -> Iterator[tuple[LineSection, list[tuple[int, int, int]]]]:
        """Every line table with its (offset, line, file id) records."""
        for _, _, part in self._read_subsections():
            yield part, iter_lines(self._stream.read(part.position, part.end - part.position))

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
        """(path, checksum) of a file id: an offset in the module's DEBUG_S_FILECHKSMS."""
        known = self._files.get(file_id)
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

    def files(self) -> Iterator[File]:
        for data in self._parts(DEBUG_S_FILECHKSMS):
            at = 0
            while at + 6 <= len(data):
                yield self.file(at)
                at += 6 + data[at + 4] + 3 & ~3


__all__ = ["S_SEPCODE", "S_TRAMPOLINE", "Compiland", "File", "Scope"]
