"""A macOS or iOS module: image in memory, image file, dSYM bundle."""

from collections.abc import Iterator
from functools import cached_property

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.dwarf.cfa import Row
from mdmp.formats.macho import MachO, UnwindEntry
from mdmp.formats.pe.image import MemoryImage
from mdmp.snapshot import DebugId
from mdmp.symbols.find_macho import find_dsym, find_macho, identity
from mdmp.symbols.frame import SymbolSource
from mdmp.symbols.locate import Located
from mdmp.symbols.macho_source import MachOSource
from mdmp.symbols.module_symbols import ModuleSymbols

_SPAN = 1 << 47
"""Bytes that an image may be spread over: dumps tell the size of its first segment only."""


class MachOModule(ModuleSymbols):
    @cached_property
    def image_in_memory(self) -> MachO | None:
        try:
            return MachO.in_memory(MemoryImage(self._search.memory, self.base, _SPAN))
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def image_search(self) -> Located[MachO]:
        return find_macho(self.module, self.debug, self._search.images)

    @cached_property
    def dsym(self) -> Located[MachO]:
        return find_dsym(self.module.name, self.debug, self._search.symbols)

    @cached_property
    def macho(self) -> MachO | None:
        """The Mach-O file to ask: the image with its debug information, or either alone."""
        image, dsym = self.image_search.file, self.dsym.file
        if image is not None and dsym is not None and image.dwarf is None:
            image.debug = dsym
        return image or dsym

    @cached_property
    def debug(self) -> DebugId | None:
        if self.module.debug is not None:
            return self.module.debug
        return identity(self.image_in_memory) if self.image_in_memory else None

    @property
    def searches(self) -> tuple[tuple[str, Located[object]], ...]:
        image = self.image_search
        return ("dwarf", image if image.file and image.file.dwarf else self.dsym), ("sym", self.sym)

    def _own_debug_source(self) -> SymbolSource | None:
        macho = self.macho
        return MachOSource(macho) if macho and (macho.dwarf or macho.debug) else None

    @cached_property
    def last_resort(self) -> SymbolSource | None:
        macho = self.macho or self.image_in_memory
        return MachOSource(macho) if macho else None

    def _images(self) -> Iterator[MachO]:
        """The image proper, in memory and on disk; a dSYM has neither code nor unwind tables."""
        for macho in (self.image_in_memory, self.image_search.file):
            if macho:
                yield macho

    def read(self, rva: int, size: int) -> bytes:
        for macho in self._images():
            try:
                return macho.read(rva + macho.load_address, size)
            except (FormatError, MemoryUnavailable):
                continue
        raise MemoryUnavailable(self.base + rva, size)

    def executable(self, rva: int) -> bool | None:
        for macho in self._images():
            return macho.executable(rva + macho.load_address)
        return None

    def compact_unwind(self, rva: int) -> UnwindEntry | None:
        return next((entry for macho in self._images() if (entry := macho.unwind_entry(rva))), None)

    def call_frame(self, rva: int) -> Row | None:
        for macho in (self.macho, self.image_in_memory):
            row = macho.row(rva + macho.load_address) if macho else None
            if row:
                return row
        return None
