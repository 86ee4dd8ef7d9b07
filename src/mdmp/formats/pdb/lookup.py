"""From a place in a section to the functions, files and lines that the code there belongs to."""

from typing import NamedTuple

from mdmp.errors import FormatError
from mdmp.formats.pdb.compiland import Checksum, Compiland, File
from mdmp.formats.pdb.dbi import Dbi
from mdmp.formats.pdb.extents import Extent
from mdmp.formats.pdb.inlines import Inlined, find_inlined
from mdmp.formats.pdb.parts import Parts
from mdmp.formats.pdb.symbols import PROCEDURES, S_SEPCODE, S_THUNK32, separated_parent, trampoline_target

CROSS_MODULE = 0x80000000
"""The bit of an id that says: this stands in a list of what the module takes from others."""
REFERENCE_CACHE_SIZE = 8192
MAX_PADDING = 64
"""How far behind a piece of code, in bytes, the filling up to the next piece is counted to it."""


class PdbFrame(NamedTuple):
    """A function that an address lies in.

    `function` is the name as the PDB has it: without decoration for procedures and inlined functions, decorated for
    publics. `start` is where the physical function starts in the image, `size` its size in bytes. `checksum` of the
    source file is (kind, digest). `source` says which record gave the name: procedure, inline, separated,
    thunk, trampoline, public or label (an exception handler of 32-bit code).
    """

    function: str
    start: int
    size: int | None
    file: str | None
    line: int | None
    inline: bool
    checksum: Checksum | None
    source: str


class Lookup:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._references: dict[tuple[int, int], int] = {}

    def frames(self, section: int, offset: int) -> tuple[PdbFrame, ...]:
        """The functions at a place, innermost first; empty when nothing is known."""
        parts, dbi = self._parts, self._parts.dbi
        if dbi is None or dbi.contributions.is_empty:
            return self._public(None, section, offset, 0)
        try:
            contribution = dbi.contributions.find(section, offset)
        except FormatError as problem:
            parts.tell(problem)
            return self._public(None, section, offset, 0)
        if contribution is None:
            return self._padding(dbi, section, offset)
        compiland = parts.compiland(contribution.module)
        scope = parts.survive(compiland.scope, section, offset) if compiland else None
        frames = None
        if compiland and scope:
            frames = parts.survive(self._in_scope, compiland, scope, section, offset)
        return frames or self._nameless(compiland, section, offset, contribution.offset)

    def _in_scope(self, compiland: Compiland, scope: Extent, section: int, offset: int) -> tuple[PdbFrame, ...]:
        name, source = self._name(compiland, scope)
        if not name:
            return ()
        start = self._parts.rva(scope.section, scope.offset) or 0
        frames: list[PdbFrame] = []
        if scope.kind in PROCEDURES:
            calls = find_inlined(compiland.body(scope), scope.position, offset - scope.offset)
            for call in reversed(calls):
                function, file, line = self._inlined(compiland, call)
                path, checksum = self._file(compiland, file)
                frames.append(PdbFrame(function, start, scope.size, path, line, True, checksum, "inline"))
        path, line, checksum = self._line(compiland, section, offset)
        frames.append(PdbFrame(name, start, scope.size, path, line, False, checksum, source))
        return tuple(frames)

    def _name(self, compiland: Compiland, scope: Extent) -> tuple[str, str]:
        """(name, which record gave it)"""
        if scope.kind in PROCEDURES:
            return compiland.name(scope), "procedure"
        if scope.kind == S_THUNK32:
            return compiland.name(scope), "thunk"
        if scope.kind == S_SEPCODE:
            parent = compiland.scope(*separated_parent(compiland.record(scope)))
            return compiland.name(parent) if parent else "", "separated"
        return self._name_of_start(*trampoline_target(compiland.record(scope))), "trampoline"

    def _name_of_start(self, section: int, offset: int) -> str:
        """The name of the function that starts at a place, as the incremental linker's jumps need it."""
        publics, dbi = self._parts.publics, self._parts.dbi
        found = publics.nearest(section, offset) if publics else []
        if found and found[0].offset == offset:
            return found[0].name
        contribution = dbi.contributions.find(section, offset) if dbi else None
        compiland = self._parts.compiland(contribution.module) if contribution else None
        scope = compiland.scope(section, offset) if compiland else None
        return compiland.name(scope) if compiland and scope and scope.offset == offset else ""

    def _nameless(self, compiland: Compiland | None, section: int, offset: int, start: int) -> tuple[PdbFrame, ...]:
        """Code without a procedure record: a public, or else a label, in the piece of code that starts at `start`."""
        parts = self._parts
        found = self._public(compiland, section, offset, start)
        if found or compiland is None:
            return found
        label = parts.survive(compiland.label, section, offset)
        name = parts.survive(compiland.name, label) if label and label.offset >= start else None
        if label is None or not name:
            return ()
        path, line, checksum = self._line(compiland, section, offset)
        at = parts.rva(section, label.offset) or 0
        return (PdbFrame(name, at, None, path, line, False, checksum, "label"),)

    def _public(self, compiland: Compiland | None, section: int, offset: int, start: int) -> tuple[PdbFrame, ...]:
        """The nearest public before `offset`, if it is in the piece of code that starts at `start`."""
        parts, publics = self._parts, self._parts.publics
        found = parts.survive(publics.nearest, section, offset) if publics else None
        if not found or found[0].offset < start:
            return ()
        path, line, checksum = self._line(compiland, section, offset) if compiland else (None, None, None)
        public = next((public for public in found if public.is_code), found[0])
        at = parts.rva(section, public.offset) or 0
        return (PdbFrame(public.name, at, None, path, line, False, checksum, "public"),)

    def _padding(self, dbi: Dbi, section: int, offset: int) -> tuple[PdbFrame, ...]:
        """Filling between two pieces of code: counted to a public or thunk before it, but to no procedure."""
        parts, publics = self._parts, self._parts.publics
        before = parts.survive(dbi.contributions.nearest, section, offset)
        if before is None or publics is None or offset - before.offset - before.size > MAX_PADDING:
            return ()
        found = parts.survive(publics.nearest, section, offset)
        if not found or found[0].offset < before.offset:
            return ()
        compiland = parts.compiland(before.module)
        scope = parts.survive(compiland.scope, section, found[0].offset) if compiland else None
        if scope and scope.kind in PROCEDURES:
            return ()
        return self._public(None, section, offset, before.offset)

    def _line(self, compiland: Compiland, section: int, offset: int) -> tuple[str | None, int | None, Checksum | None]:
        found = self._parts.survive(compiland.line, section, offset)
        if found is None:
            return None, None, None
        path, checksum = self._file(compiland, found[1])
        return path, found[0], checksum

    def _file(self, compiland: Compiland, file: int | None) -> tuple[str | None, Checksum | None]:
        known: File | None = None
        if file is not None:
            known = self._parts.survive(compiland.file, file)
        return known or (None, None)

    def _inlined(self, compiland: Compiland, call: Inlined) -> tuple[str, int | None, int | None]:
        """(name, file id, line) of an inlined call."""
        parts = self._parts
        name = parts.survive(self._inlinee_name, compiland, call.inlinee) or ""
        known = parts.survive(compiland.inlinee, call.inlinee)
        if known is None:
            return name, call.file, None
        return name, known[0] if call.file is None else call.file, known[1] + call.line_delta

    def _inlinee_name(self, compiland: Compiland, index: int) -> str:
        names = self._parts.type_names
        if index & CROSS_MODULE:
            key = compiland.info.number, index
            if key not in self._references:
                if len(self._references) >= REFERENCE_CACHE_SIZE:
                    self._references.clear()
                self._references[key] = self._exported(compiland, index)
            index = self._references[key]
        return names.function(index) if names else ""

    def _exported(self, compiland: Compiland, reference: int) -> int:
        """The id in the whole program behind a reference to another module's id."""
        imported = compiland.imported(reference)
        if imported:
            module, local = imported
            number = self._parts.module_numbers.get(module.lower())
            exporter = None if number is None else self._parts.compiland(number)
            found = exporter.exported(local) if exporter else None
            if found is not None:
                return found
        raise FormatError(f"PDB module {compiland.info.name}", f"the reference {reference:#x} leads nowhere")
