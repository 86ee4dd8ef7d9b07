"""The parts of one PDB, each opened when first needed; None stands for a part that is missing or damaged."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import ParamSpec, TypeVar

from mdmp.binary.window import Window
from mdmp.errors import MAX_ISSUES, FormatError, IssueLog, UnusableInputError
from mdmp.formats.pdb.compiland import Compiland
from mdmp.formats.pdb.dbi import NO_STREAM, Dbi, ModuleInfo, SectionTable, read_sections
from mdmp.formats.pdb.frames import FpoTable, FrameTable
from mdmp.formats.pdb.gsi import Globals, Publics
from mdmp.formats.pdb.info import PdbInfo, StringTable
from mdmp.formats.pdb.msf import Msf, Stream
from mdmp.formats.pdb.omap import Omap
from mdmp.formats.pdb.types import Names

COMPILAND_CACHE_SIZE = 128
INFO_STREAM, TYPE_STREAM, DBI_STREAM, ID_STREAM = 1, 2, 3, 4
T = TypeVar("T")
P = ParamSpec("P")


class Parts:
    """Opening reads the superblock, parts of the directory, the info stream and the DBI header.

    Raises `UnusableInputError` for other files and for a PDB without its info stream; damage found later is listed in
    `issues`, once for each part.
    """

    def __init__(self, window: Window) -> None:
        self.issues = IssueLog()
        self._told: set[str] = set()
        try:
            self.msf = Msf(window)
            self.info = PdbInfo(self.msf.stream(INFO_STREAM, "PDB info stream"))
        except FormatError as problem:
            raise UnusableInputError(f"{window.name}: {problem}") from None
        if "fastlink" in self.info.features:
            raise UnusableInputError(
                f"{window.name}: linked with /DEBUG:FASTLINK, so the debug information stayed in the object files"
                " (mspdbcmf.exe makes a full PDB)"
            )
        self.dbi = self.survive(lambda: Dbi(self.msf.stream(DBI_STREAM, "PDB debug information stream (DBI)")))
        self._compilands: dict[int, Compiland | None] = {}

    def survive(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `read` gives; None, and an issue, when that part is damaged."""
        try:
            return read(*args, **kwargs)
        except FormatError as problem:
            self.tell(problem)
            return None

    def tell(self, problem: FormatError) -> None:
        """Note damage, each piece once however many answers it costs."""
        if str(problem) not in self._told and len(self._told) < MAX_ISSUES:
            self._told.add(str(problem))
            self.issues.survive(problem)

    def _debug_stream(self, name: str) -> Stream | None:
        index = self.dbi.debug_streams.get(name) if self.dbi else None
        if index is None:
            return None
        return self.survive(self.msf.stream, index, f"PDB {name} stream")

    @cached_property
    def names(self) -> StringTable | None:
        index = self.info.named_streams.get("/names")
        if index is None:
            return None
        return self.survive(lambda: StringTable(self.msf.stream(index, 'PDB string table "/names"')))

    @cached_property
    def sections(self) -> SectionTable:
        """The sections of the image as linked, before any later reordering of code."""
        stream = self._debug_stream("original_sections") if self.omap_to_source else None
        stream = stream or self._debug_stream("sections")
        found = self.survive(read_sections, stream) if stream else None
        return SectionTable(found or ())

    @cached_property
    def omap_to_source(self) -> Omap | None:
        stream = self._debug_stream("omap_to_source")
        return self.survive(Omap, stream) if stream and stream.size else None

    @cached_property
    def omap_from_source(self) -> Omap | None:
        stream = self._debug_stream("omap_from_source")
        return self.survive(Omap, stream) if stream and stream.size else None

    def _symbol_stream(self, index: int, name: str) -> tuple[Stream, Stream] | None:
        """One of the hash streams, and the symbol records that it points to."""
        if self.dbi is None or NO_STREAM in (index, self.dbi.header.SymRecordStream):
            return None
        records = self.msf.stream(self.dbi.header.SymRecordStream, "PDB symbol record stream")
        return self.msf.stream(index, name), records

    @cached_property
    def publics(self) -> Publics | None:
        index = self.dbi.header.PublicStreamIndex if self.dbi else NO_STREAM
        streams = self.survive(self._symbol_stream, index, "PDB publics stream")
        return self.survive(Publics, *streams) if streams else None

    @cached_property
    def globals(self) -> Globals | None:
        index = self.dbi.header.GlobalStreamIndex if self.dbi else NO_STREAM
        streams = self.survive(self._symbol_stream, index, "PDB globals stream")
        return self.survive(Globals, *streams) if streams else None

    @cached_property
    def type_names(self) -> Names | None:
        has_ids = self.info.has_id_stream and self.msf.exists(ID_STREAM)
        return self.survive(Names, self.msf, TYPE_STREAM, ID_STREAM if has_ids else TYPE_STREAM)

    @cached_property
    def frame_table(self) -> FrameTable | None:
        stream = self._debug_stream("new_fpo")
        return self.survive(lambda: FrameTable(stream.read(0, stream.size))) if stream else None

    @cached_property
    def fpo_table(self) -> FpoTable | None:
        stream = self._debug_stream("fpo")
        return self.survive(lambda: FpoTable(stream.read(0, stream.size))) if stream else None

    # Modules

    def modules(self) -> Iterator[ModuleInfo]:
        """The compilands that were linked, in order."""
        for number in range(self.module_count):
            if self.dbi:
                yield self.dbi.module(number)

    @cached_property
    def module_count(self) -> int:
        return (self.survive(self.dbi.module_count) if self.dbi else 0) or 0

    def compilands(self) -> Iterator[Compiland]:
        """The contents of all modules that have symbols."""
        return filter(None, map(self.compiland, range(self.module_count)))

    def compiland(self, index: int) -> Compiland | None:
        """The contents of a module; None when it has no symbols."""
        if index not in self._compilands:
            if len(self._compilands) >= COMPILAND_CACHE_SIZE:
                self._compilands.clear()
            self._compilands[index] = self.survive(self._open, index)
        return self._compilands[index]

    def _open(self, index: int) -> Compiland | None:
        info = self.dbi.module(index) if self.dbi else None
        if info is None or info.stream == NO_STREAM:
            return None
        stream = self.msf.stream(info.stream, f"PDB module {index} ({info.name[-64:]})")
        return Compiland(info, stream, self.names)

    @cached_property
    def module_numbers(self) -> dict[str, int]:
        """Index by the name in lower case."""
        return {module.name.lower(): module.number for module in self.modules()}

    # Addresses

    def source_rva(self, rva: int) -> int | None:
        """Where the linker had put what is now at `rva`; None for code that is not the linker's."""
        return self.omap_to_source.translate(rva) if self.omap_to_source else rva

    def place(self, rva: int) -> tuple[int, int] | None:
        """(section, offset) where the linker had put what is now at `rva`."""
        source = self.source_rva(rva)
        return None if source is None else self.sections.place(source)

    def rva(self, section: int, offset: int) -> int | None:
        """Where the image has what the linker put at a place."""
        source = self.sections.rva(section, offset)
        if source is None or not self.omap_from_source:
            return source
        return self.omap_from_source.translate(source)
