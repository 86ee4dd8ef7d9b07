"""A PDB as a whole: from an address to function, file, line and inlined calls, reading what that address needs."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog, UnusableInputError
from mdmp.formats.pdb.compiland import Checksum, Compiland, File
from mdmp.formats.pdb.dbi import (
    FLAG_INCREMENTAL,
    FLAG_STRIPPED,
    NO_STREAM,
    Dbi,
    ModuleInfo,
    SectionTable,
    read_sections,
)
from mdmp.formats.pdb.frames import FpoTable, FrameData, FrameTable
from mdmp.formats.pdb.gsi import Globals, Publics, PublicSymbol
from mdmp.formats.pdb.info import PdbInfo, StringTable
from mdmp.formats.pdb.inlines import Inlined, find_inlined
from mdmp.formats.pdb.msf import Msf, Stream
from mdmp.formats.pdb.omap import Omap
from mdmp.formats.pdb.symbols import PROCEDURES, S_SEPCODE, S_THUNK32, Scope, separated_parent, trampoline_target
from mdmp.formats.pdb.types import Names

COMPILAND_CACHE_SIZE = 256
ANSWER_CACHE_SIZE = 16384
T = TypeVar("T")


class PdbFrame(NamedTuple):
    """A function that an address lies in.

    `function` is the name as the PDB has it: without decoration for procedures and inlined functions, decorated for
    publics. `start` is where the physical function starts in the image. `source` says which record named it:
    procedure, inline, separated, thunk, trampoline, public.
    """

    function: str
    start: int
    size: int | None
    file: str | None
    line: int | None
    inline: bool
    checksum: tuple[str, bytes] | None
    source: str


class Function(NamedTuple):
    rva: int
    size: int
    name: str


class Public(NamedTuple):
    """A public symbol: `name` is decorated."""

    rva: int
    name: str
    is_function: bool


class Pdb:
    """An opened PDB 7.0. Addresses are relative to the image (RVA).

    Opening reads the superblock, parts of the directory, the info stream and the DBI header. Raises
    `UnusableInputError` for other files and for a PDB without its info stream. What is damaged further in costs the
    answers that need it and is listed in `issues`.
    """

    def __init__(self, window: Window) -> None:
        self.issues = IssueLog()
        try:
            self._msf = Msf(window)
            self.info = PdbInfo(self._msf.stream(1, "PDB info stream"))
        except FormatError as problem:
            raise UnusableInputError(f"{window.name}: {problem}") from None
        if "fastlink" in self.info.features:
            raise UnusableInputError(
                f"{window.name}: linked with /DEBUG:FASTLINK, the debug information stayed in the object files"
                " (mspdbcmf makes a full PDB of it)"
            )
        self.guid = self.info.guid
        self.info_age = self.info.age
        self._dbi = self._survive(lambda: Dbi(self._msf.stream(3, "PDB debug information stream (DBI)")))
        header = self._dbi.header if self._dbi else None
        self.age: int = header.Age if header else self.info.age
        self.machine: int = header.Machine if header else 0
        self.is_stripped = bool(header and header.Flags & FLAG_STRIPPED)
        self.is_incremental = bool(header and header.Flags & FLAG_INCREMENTAL)
        self._compilands: dict[int, Compiland | None] = {}
        self._answers: dict[int, tuple[PdbFrame, ...]] = {}

    def _survive(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except FormatError as problem:
            self.issues.survive(problem)
            return None

    def _debug_stream(self, name: str) -> Stream | None:
        index = self._dbi.debug_streams.get(name) if self._dbi else None
        if index is None:
            return None
        return self._survive(lambda: self._msf.stream(index, f"PDB {name} stream"))

    # The parts, each opened when first needed; None when missing or damaged

    @cached_property
    def _names(self) -> StringTable | None:
        index = self.info.named_streams.get("/names")
        if index is None:
            return None
        return self._survive(lambda: StringTable(self._msf.stream(index, 'PDB string table "/names"')))

    @cached_property
    def sections(self) -> SectionTable:
        """The sections of the image as linked (before any later reordering of code)."""
        stream = self._debug_stream("original_sections" if self._omap_to_source else "sections")
        stream = stream or self._debug_stream("sections")
        found = self._survive(lambda: read_sections(stream)) if stream else None
        return SectionTable(found or ())

    @cached_property
    def _omap_to_source(self) -> Omap | None:
        stream = self._debug_stream("omap_to_source")
        return self._survive(lambda: Omap(stream)) if stream and stream.size else None

    @cached_property
    def _omap_from_source(self) -> Omap | None:
        stream = self._debug_stream("omap_from_source")
        return self._survive(lambda: Omap(stream)) if stream and stream.size else None

    @cached_property
    def _symbol_records(self) -> Stream | None:
        header = self._dbi.header if self._dbi else None
        if header is None or header.SymRecordStream == NO_STREAM:
            return None
        return self._survive(lambda: self._msf.stream(header.SymRecordStream, "PDB symbol record stream"))

    @cached_property
    def _publics(self) -> Publics | None:
        records = self._symbol_records
        if self._dbi is None or records is None or self._dbi.header.PublicStreamIndex == NO_STREAM:
            return None
        index = self._dbi.header.PublicStreamIndex
        return self._survive(lambda: Publics(self._msf.stream(index, "PDB publics stream"), records))

    @cached_property
    def _globals(self) -> Globals | None:
        records = self._symbol_records
        if self._dbi is None or records is None or self._dbi.header.GlobalStreamIndex == NO_STREAM:
            return None
        index = self._dbi.header.GlobalStreamIndex
        return self._survive(lambda: Globals(self._msf.stream(index, "PDB globals stream"), records))

    @cached_property
    def _type_names(self) -> Names | None:
        has_ids = bool({"VC110", "VC140"} & set(self.info.features)) and self._msf.exists(4)
        return self._survive(lambda: Names(self._msf, has_ids))

    @cached_property
    def _frame_table(self) -> FrameTable | None:
        stream = self._debug_stream("new_fpo")
        return self._survive(lambda: FrameTable(stream.read(0, stream.size))) if stream else None

    @cached_property
    def _fpo_table(self) -> FpoTable | None:
        stream = self._debug_stream("fpo")
        return self._survive(lambda: FpoTable(stream)) if stream else None

    # Addresses

    def _place(self, rva: int) -> tuple[int, int] | None:
        """(section, offset) where the linker had put what is now at `rva`."""
        if self._omap_to_source:
            source = self._omap_to_source.translate(rva)
            if source is None:
                return None
            rva = source
        return self.sections.place(rva)

    def _rva(self, section: int, offset: int) -> int | None:
        rva = self.sections.rva(section, offset)
        if rva is not None and self._omap_from_source:
            return self._omap_from_source.translate(rva)
        return rva

    def _compiland(self, index: int) -> Compiland | None:
        if index not in self._compilands:
            if len(self._compilands) >= COMPILAND_CACHE_SIZE:
                self._compilands.clear()
            self._compilands[index] = self._survive(lambda: self._open_compiland(index))
        return self._compilands[index]

    def _open_compiland(self, index: int) -> Compiland | None:
        assert self._dbi is not None
        info = self._dbi.module(index)
        if info.stream == NO_STREAM:
            return None
        return Compiland(info, self._msf.stream(info.stream, f"PDB module {index} ({info.name[-64:]})"), self._names)

    def lookup(self, rva: int) -> tuple[PdbFrame, ...]:
        """The functions that the code at `rva` lies in, innermost first; empty when nothing is known.

        For the place of a call give the return address minus 1.
        """
        known = self._answers.get(rva)
        if known is None:
            place = self._place(rva)
            known = self._frames(*place) if place else ()
            if len(self._answers) >= ANSWER_CACHE_SIZE:
                self._answers.clear()
            self._answers[rva] = known
        return known

    def _frames(self, section: int, offset: int) -> tuple[PdbFrame, ...]:
        dbi = self._dbi
        contribution = self._survive(lambda: dbi.contributions.find(section, offset)) if dbi else None
        if contribution is None:
            return ()
        start, size, module = contribution
        compiland = self._compiland(module)
        scope = self._survive(lambda: compiland.scope(section, offset)) if compiland else None
        if compiland is None or scope is None:
            return self._public_frame(compiland, section, offset, start, start + size)
        frames = self._survive(lambda: self._scope_frames(compiland, scope, section, offset))
        return frames or self._public_frame(compiland, section, offset, start, start + size)

    def _scope_frames(self, compiland: Compiland, scope: Scope, section: int, offset: int) -> tuple[PdbFrame, ...]:
        inlined: list[Inlined] = []
        if scope.kind in PROCEDURES:
            name, source = compiland.name(scope), "procedure"
            records = compiland.body(scope)
            inlined = find_inlined(records, scope.position, offset - scope.offset)
        elif scope.kind == S_THUNK32:
            name, source = compiland.name(scope), "thunk"
        elif scope.kind == S_SEPCODE:
            parent = compiland.scope(*separated_parent(compiland.record(scope)))
            name, source = compiland.name(parent) if parent else "", "separated"
        else:
            name, source = self._trampoline_name(compiland, scope), "trampoline"
        if not name:
            return ()
        start = self._rva(scope.section, scope.offset) or 0
        frames: list[PdbFrame] = []
        for call in reversed(inlined):
            function, file, line = self._inlined(compiland, call)
            path, checksum = self._file(compiland, file)
            frames.append(PdbFrame(function, start, scope.size, path, line, True, checksum, "inline"))
        path, line, checksum = self._line(compiland, section, offset)
        frames.append(PdbFrame(name, start, scope.size, path, line, False, checksum, source))
        return tuple(frames)

    def _line(self, compiland: Compiland, section: int, offset: int) -> tuple[str | None, int | None, Checksum | None]:
        found = self._survive(lambda: compiland.line(section, offset))
        if found is None:
            return None, None, None
        path, checksum = self._file(compiland, found[1])
        return path, found[0], checksum

    def _file(self, compiland: Compiland, file: int | None) -> tuple[str | None, Checksum | None]:
        known: File | None = None
        if file is not None:
            known = self._survive(lambda: compiland.file(file))
        return known or (None, None)

    def _inlined(self, compiland: Compiland, call: Inlined) -> tuple[str, int | None, int | None]:
        """(name, file id, line) of an inlined call."""
        name = self._survive(lambda: self._inlinee_name(compiland, call.inlinee)) or ""
        known = self._survive(lambda: compiland.inlinee(call.inlinee))
        if known is None:
            return name, None, None
        return name, known[0] if call.file is None else call.file, known[1] + call.line_delta

    def _inlinee_name(self, compiland: Compiland, index: int) -> str:
        if index & 0x80000000:
            index = self._resolve(compiland, index)
        return self._type_names.function(index) if self._type_names else ""

    def _resolve(self, compiland: Compiland, reference: int) -> int:
        """The id in the whole program of another module's id."""
        imported = compiland.imported(reference)
        if imported:
            module, local = imported
            number = self._module_numbers.get(module.lower())
            exporter = None if number is None else self._compiland(number)
            found = exporter.exported(local) if exporter else None
            if found is not None:
                return found
        raise FormatError(f"PDB module {compiland.info.name}", f"the reference {reference:#x} leads nowhere")

    @cached_property
    def _module_numbers(self) -> dict[str, int]:
        return {module.name.lower(): module.index for module in self.modules()}

    def _trampoline_name(self, compiland: Compiland, scope: Scope) -> str:
        """The name of what an incremental-link thunk jumps to."""
        publics = self._publics
        at = trampoline_target(compiland.record(scope))
        found = publics.nearest(*at) if publics else []
        return found[0].name if found and found[0].offset == at[1] else ""

    def _public_frame(
        self, compiland: Compiland | None, section: int, offset: int, start: int, end: int
    ) -> tuple[PdbFrame, ...]:
        """The nearest public before `offset` within its contribution [start, end)."""
        publics = self._publics
        found = self._survive(lambda: publics.nearest(section, offset)) if publics else None
        if not found or found[0].offset < start:
            return ()
        public = found[0]
        path, line, checksum = self._line(compiland, section, offset) if compiland else (None, None, None)
        at = self._rva(section, public.offset) or 0
        return (PdbFrame(public.name, at, None, path, line, False, checksum, "public"),)

    # Listings

    def modules(self) -> Iterator[ModuleInfo]:
        """The compilands that were linked, in order."""
        dbi = self._dbi
        for index in range(dbi.module_count if dbi else 0):
            module = self._survive(lambda index=index: dbi.module(index))  # type: ignore[misc]
            if module:
                yield module

    def functions(self) -> Iterator[Function]:
        """Every procedure record, module by module."""
        for info in self.modules():
            compiland = self._compiland(info.index)
            if compiland is None:
                continue
            for scope in self._survive(lambda compiland=compiland: tuple(compiland.scopes())) or ():
                if scope.kind in PROCEDURES:
                    rva = self._rva(scope.section, scope.offset)
                    name = self._survive(lambda compiland=compiland, scope=scope: compiland.name(scope))
                    if rva is not None and name:
                        yield Function(rva, scope.size, name)

    def publics(self) -> Iterator[Public]:
        """Every public symbol, by address."""
        if self._publics:
            for symbol in self._publics:
                rva = self._rva(symbol.section, symbol.offset)
                if rva is not None:
                    yield Public(rva, symbol.name, symbol.is_code)

    # Frames of x86

    def frame_data(self, rva: int) -> FrameData | None:
        """How to unwind at `rva`, from FRAMEDATA; its `start` is relative to the image as linked."""
        table = self._frame_table
        if self._omap_to_source:
            rva = self._omap_to_source.translate(rva) or 0
        found = table.find(rva) if table else None
        if found is None:
            return None
        names = self._names
        program = self._survive(lambda: names.get(found[1])) if names else None
        return found[0]._replace(program=program or "")

    def fpo(self, rva: int) -> FrameData | None:
        """The same from the older FPO_DATA records."""
        if self._omap_to_source:
            rva = self._omap_to_source.translate(rva) or 0
        return self._fpo_table.find(rva) if self._fpo_table else None
