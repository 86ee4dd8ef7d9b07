"""An ELF module: image in memory, image file, separate debug file."""

from functools import cached_property

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.dwarf.cfa import Row
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.loaded import LoadedElf
from mdmp.formats.elf.structs import PF_X, PT_LOAD
from mdmp.formats.pe.image import MemoryImage
from mdmp.snapshot import DebugId
from mdmp.symbols.elf_source import ElfSource
from mdmp.symbols.find_elf import find_debug_file, find_elf
from mdmp.symbols.frame import SymbolSource
from mdmp.symbols.locate import Located
from mdmp.symbols.module_symbols import ModuleSymbols


class ElfModule(ModuleSymbols):
    @cached_property
    def image_in_memory(self) -> LoadedElf | None:
        try:
            return LoadedElf(MemoryImage(self._search.memory, self.base, self.module.size), self.base)
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def image_search(self) -> Located[Elf]:
        return find_elf(self.module, self.debug, self._search.images, self._search.memory)

    @cached_property
    def debug_file(self) -> Located[Elf]:
        return find_debug_file(self.module.path, self.image_search.file, self.debug, self._search.symbols)

    @cached_property
    def elf(self) -> Elf | None:
        """The ELF file to ask: the image with its debug file, or the debug file alone."""
        image = self.image_search.file
        if image is not None and image.dwarf is not None:
            return image
        split = self.debug_file.file
        if image is None or split is None:
            return image or split
        return Elf(image.window, split)

    @cached_property
    def debug(self) -> DebugId | None:
        if self.module.debug is not None:
            return self.module.debug
        build_id = self.image_in_memory.build_id if self.image_in_memory else None
        return DebugId("elf", build_id, 0, "") if build_id else None

    @property
    def searches(self) -> tuple[tuple[str, Located[object]], ...]:
        image = self.image_search
        dwarf = image if image.file and image.file.dwarf else self.debug_file
        return ("dwarf", dwarf), ("sym", self.sym)

    def _own_debug_source(self) -> SymbolSource | None:
        elf = self.elf
        return ElfSource(elf) if elf and (elf.dwarf or elf.debug) else None

    @cached_property
    def last_resort(self) -> SymbolSource | None:
        elf = self.elf or self.image_in_memory
        return ElfSource(elf) if elf else None

    def read(self, rva: int, size: int) -> bytes:
        if self.image_in_memory:
            try:
                return self.image_in_memory.image.read(rva, size)
            except (FormatError, MemoryUnavailable):
                pass
        image = self.image_search.file
        if image is None:
            raise MemoryUnavailable(self.base + rva, size)
        return _read_linked(image, rva + image.load_address, size)

    def executable(self, rva: int) -> bool | None:
        image = self.image_in_memory or self.image_search.file
        if image is None:
            return None
        address = rva + image.load_address
        return any(
            segment.type == PT_LOAD and segment.flags & PF_X and 0 <= address - segment.address < segment.memory_size
            for segment in image.segments
        )

    def call_frame(self, rva: int) -> Row | None:
        for image in (self.elf, self.image_in_memory):
            row = image.row(rva + image.load_address) if image else None
            if row:
                return row
        return None


def _read_linked(elf: Elf, address: int, size: int) -> bytes:
    """Bytes of an ELF file by address as linked; `FormatError` when no segment holds them all."""
    for segment in elf.segments:
        at = address - segment.address
        if segment.type == PT_LOAD and at >= 0 and at + size <= segment.file_size:
            return elf.window.read(segment.offset + at, size)
    raise FormatError("segments", f"none holds {size:#x} bytes", address)
