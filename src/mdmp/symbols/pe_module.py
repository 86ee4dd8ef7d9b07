"""A Windows module: PE image, PDB, portable PDB, MinGW's DWARF."""

from functools import cached_property

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.breakpad import StackWin
from mdmp.formats.clr import PortablePdb, unpack_embedded
from mdmp.formats.pdb import FrameData, Pdb
from mdmp.formats.pe.debug import read_codeview
from mdmp.formats.pe.headers import PeImage, open_memory
from mdmp.formats.pe.image import LayeredImage
from mdmp.formats.pe.managed import managed_kind, read_embedded_pdb
from mdmp.snapshot import DebugId
from mdmp.symbols.export_source import ExportSource
from mdmp.symbols.find_pe import find_image, find_pdb
from mdmp.symbols.frame import SourceFrame, SymbolSource
from mdmp.symbols.locate import DAMAGED, FOUND, MISSING, Located
from mdmp.symbols.managed_source import ManagedSource
from mdmp.symbols.module_symbols import ModuleSymbols
from mdmp.symbols.pdb_source import PdbSource

_KINDS = {"RSDS": "pdb70", "NB10": "pdb20"}
_HEADERS = 0x1000


class PeModule(ModuleSymbols):
    @cached_property
    def image_in_memory(self) -> PeImage | None:
        """The image as the snapshot's memory holds it, if at least its headers are kept."""
        try:
            return open_memory(self._search.memory, self.module.base, self.module.size)
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def image_search(self) -> Located[PeImage]:
        return find_image(self.module, self._search.images)

    @cached_property
    def image(self) -> PeImage | None:
        """The image from all places at once: what memory does not hold comes from the file."""
        in_memory, on_disk = self.image_in_memory, self.image_search.file
        if in_memory is None or on_disk is None:
            return in_memory or on_disk
        return PeImage(LayeredImage(in_memory.data, on_disk.data))

    @cached_property
    def debug(self) -> DebugId | None:
        if self.module.debug is not None:
            return self.module.debug
        try:
            record = read_codeview(self.image) if self.image else None
        except (FormatError, MemoryUnavailable):
            return None
        return DebugId(_KINDS[record.kind], record.signature, record.age, record.path) if record else None

    @cached_property
    def managed_kind(self) -> str | None:
        return managed_kind(self.image) if self.image else None

    @cached_property
    def pdb(self) -> Located[Pdb | PortablePdb]:
        """The PDB; a portable one inside the image is the right one by itself."""
        embedded = self._embedded_pdb() if self.managed_kind else None
        if embedded is not None and embedded.file:
            return embedded
        if self.debug is not None and self.debug.kind in _KINDS.values():
            found = find_pdb(self.debug, self._search.symbols)
            return embedded if embedded and not found.file else found
        if self.debug is not None:
            return Located(MISSING, note="it has no PDB")
        if self.image is not None:
            return Located(MISSING, note="its image names no PDB")
        return Located(MISSING, note="neither the dump nor an image names its PDB", tried=self._search.images.tried)

    def _embedded_pdb(self) -> Located[PortablePdb] | None:
        """None when the image has none, or the memory of the process does not hold it."""
        path = self.image_search.path
        try:
            packed = read_embedded_pdb(self.image) if self.image else None
            return Located(FOUND, path, PortablePdb(unpack_embedded(packed))) if packed is not None else None
        except MemoryUnavailable:
            return None
        except FormatError as damage:
            return Located(DAMAGED, path, note=str(damage))

    @property
    def searches(self) -> tuple[tuple[str, Located[object]], ...]:
        kind = "portable-pdb" if isinstance(self.pdb.file, PortablePdb) else "pdb"
        return (kind, self.pdb), ("sym", self.sym)

    def _own_debug_source(self) -> SymbolSource | None:
        pdb = self.pdb.file
        if pdb is not None:
            return PdbSource(pdb) if isinstance(pdb, Pdb) else ManagedSource(pdb, self.image)
        image = self.image_search.file
        if image is None:
            return None
        from mdmp.symbols.pe_dwarf_source import PeDwarfSource

        return PeDwarfSource.of(image)

    @cached_property
    def last_resort(self) -> SymbolSource | None:
        return ExportSource(self.image) if self.image else None

    def lookup_il(self, token: int, offset: int) -> tuple[SourceFrame, ...]:
        source = self.debug_source
        if not isinstance(source, ManagedSource):
            source = ManagedSource(None, self.image) if self.managed_kind else None
        return source.lookup_il(token, offset) if source else ()

    def read(self, rva: int, size: int) -> bytes:
        if self.image is None:
            raise MemoryUnavailable(self.base + rva, size)
        return self.image.read(rva, size)

    def executable(self, rva: int) -> bool | None:
        if self.image is None:  # then the first page is still known to be headers
            return False if rva < _HEADERS else None
        return self.image.is_executable(rva) if self.image.sections else None

    def pe_image(self) -> PeImage | None:
        return self.image

    def frame_data(self, rva: int) -> FrameData | None:
        if isinstance(self.pdb.file, Pdb):
            return self.pdb.file.frame_data(rva) or self.pdb.file.fpo(rva)
        record = self.sym.file.stack_win(rva) if self.sym.file else None
        return _frame_data(record) if record else None


def _frame_data(record: StackWin) -> FrameData:
    """A STACK WIN record is the PDB's record, written as text."""
    return FrameData(
        start=record.start,
        size=record.size,
        local_size=record.local_size,
        params_size=record.parameter_size,
        max_stack=record.max_stack_size,
        program=record.program or "",
        prolog_size=record.prologue_size,
        saved_regs_size=record.saved_register_size,
        flags=0,
        type="framedata" if record.program else "fpo",
        has_seh=False,
        uses_base_pointer=record.allocates_base_pointer,
    )
