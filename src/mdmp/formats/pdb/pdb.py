"""A PDB as a whole: what it belongs to, look-ups by address and by name, listings, unwinding data of x86."""

from collections.abc import Iterator
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.pdb.dbi import FLAG_INCREMENTAL, FLAG_STRIPPED, ModuleInfo
from mdmp.formats.pdb.frames import FrameData, FrameTable
from mdmp.formats.pdb.lookup import Lookup, PdbFrame
from mdmp.formats.pdb.parts import Parts
from mdmp.formats.pdb.symbols import PROCEDURES

ANSWER_CACHE_SIZE = 4096


class Function(NamedTuple):
    """A procedure record: `name` is not decorated, `size` is in bytes."""

    rva: int
    size: int
    name: str


class Public(NamedTuple):
    """A public symbol: `name` is decorated."""

    rva: int
    name: str
    is_code: bool


class SourceFile(NamedTuple):
    path: str
    checksum: tuple[str, bytes] | None
    """(kind, digest): MD5, SHA1 or SHA256."""


class Pdb:
    """An opened PDB 7.0. Addresses are relative to the image (RVA); OMAP is applied where the PDB has it.

    Opening reads the superblock, parts of the directory, the info stream and the DBI header; a look-up reads what it
    needs and remembers part of it. Raises `UnusableInputError` for other files (portable PDBs, PDB 2.0,
    /DEBUG:FASTLINK) and for one without identity. Other damage costs the answers that need the damaged part and is
    listed in `issues`.
    """

    def __init__(self, window: Window) -> None:
        self._parts = parts = Parts(window)
        self._lookup = Lookup(parts)
        self._answers: dict[int, tuple[PdbFrame, ...]] = {}
        self.issues = parts.issues
        header = parts.dbi.header if parts.dbi else None
        self.guid: bytes = parts.info.guid
        """16 bytes as they are in the file."""
        self.info_age: int = parts.info.age
        self.age: int = header.Age if header else parts.info.age
        """The age that images refer to (the one of the DBI stream)."""
        self.signature: int = parts.info.signature
        self.features: tuple[str, ...] = parts.info.features
        self.machine: int = header.Machine if header else 0
        """IMAGE_FILE_MACHINE_*; 0 when not known."""
        self.is_stripped = bool(header and header.Flags & FLAG_STRIPPED)
        self.is_incremental = bool(header and header.Flags & FLAG_INCREMENTAL)

    def lookup(self, rva: int) -> tuple[PdbFrame, ...]:
        """The functions that the code at `rva` lies in, innermost first; empty when nothing is known.

        For the place of a call ask for the return address minus 1.
        """
        known = self._answers.get(rva)
        if known is None:
            place = self._parts.place(rva)
            known = self._lookup.frames(*place) if place else ()
            if len(self._answers) >= ANSWER_CACHE_SIZE:
                self._answers.clear()
            self._answers[rva] = known
        return known

    def public_names(self, rva: int) -> tuple[str, ...]:
        """The decorated names of all publics at exactly this address; several where equal functions were folded."""
        publics, place = self._parts.publics, self._parts.place(rva)
        found = self._parts.survive(publics.nearest, *place) if publics and place else None
        return tuple(public.name for public in found or () if place and public.offset == place[1])

    def find(self, name: str) -> tuple[int, ...]:
        """Where functions of this name start: of procedures by their plain name, of publics by the decorated one."""
        parts, places = self._parts, []
        for reference in (parts.survive(parts.globals.procedures, name) if parts.globals else None) or ():
            compiland = parts.compiland(reference.module)
            scope = parts.survive(compiland.scope_at, reference.position) if compiland else None
            if scope:
                places.append((scope.section, scope.offset))
        publics = (parts.survive(parts.publics.named, name) if parts.publics else None) or ()
        places += [(public.section, public.offset) for public in publics]
        return tuple(rva for place in dict.fromkeys(places) if (rva := parts.rva(*place)) is not None)

    # Listings

    def modules(self) -> Iterator[ModuleInfo]:
        """The compilands that were linked, in order."""
        return self._parts.modules()

    def functions(self) -> Iterator[Function]:
        """Every procedure record, module by module."""
        parts = self._parts
        for compiland in parts.compilands():
            for scope in parts.survive(compiland.scopes) or ():
                if scope.kind in PROCEDURES:
                    rva, name = parts.rva(scope.section, scope.offset), parts.survive(compiland.name, scope)
                    if rva is not None and name:
                        yield Function(rva, scope.size, name)

    def publics(self) -> Iterator[Public]:
        """Every public symbol, by address as linked."""
        publics = self._parts.publics
        for index in range(len(publics) if publics else 0):
            symbol = self._parts.survive(publics.get, index) if publics else None
            rva = self._parts.rva(symbol.section, symbol.offset) if symbol else None
            if symbol and rva is not None:
                yield Public(rva, symbol.name, symbol.is_code)

    def source_files(self) -> Iterator[SourceFile]:
        """The source files of all modules, each once."""
        seen = set()
        for compiland in self._parts.compilands():
            for file in self._parts.survive(compiland.files) or ():
                if file not in seen:
                    seen.add(file)
                    yield SourceFile(*file)

    # Unwinding of x86

    def frame_data(self, rva: int) -> FrameData | None:
        """How to unwind x86 code at `rva`, from FRAMEDATA."""
        parts = self._parts
        source = parts.source_rva(rva)
        if source is None:
            return None
        for table in [parts.frame_table] if parts.frame_table else self._module_frames(rva):
            found = table.find(source)
            if found:
                program = parts.survive(parts.names.get, found[1]) if parts.names else None
                return found[0]._replace(start=found[0].start + rva - source, program=program or "")
        return None

    def _module_frames(self, rva: int) -> list[FrameTable]:
        """FRAMEDATA in the module of `rva`: for a PDB without the stream that the linker makes of it."""
        parts, place = self._parts, self._parts.place(rva)
        found = parts.survive(parts.dbi.contributions.find, *place) if parts.dbi and place else None
        compiland = parts.compiland(found.module) if found else None
        return (parts.survive(compiland.frame_tables) if compiland else None) or []

    def fpo(self, rva: int) -> FrameData | None:
        """The same from the older FPO_DATA records."""
        table, source = self._parts.fpo_table, self._parts.source_rva(rva)
        found = table.find(source) if table and source is not None else None
        return found._replace(start=found.start + rva - source) if found and source is not None else None
