"""The symbols of every module of one snapshot, opened when first asked for."""

from functools import cached_property
from pathlib import Path

from mdmp.errors import Issue
from mdmp.formats.clr import PortablePdb
from mdmp.snapshot import MemoryReader, Module
from mdmp.symbols.elf_source import ElfSource
from mdmp.symbols.export_source import ExportSource
from mdmp.symbols.folders import Folders
from mdmp.symbols.frame import SourceFrame, SymbolSource
from mdmp.symbols.locate import Located
from mdmp.symbols.macho_source import MachOSource
from mdmp.symbols.managed_source import ManagedSource
from mdmp.symbols.module_files import ModuleFiles
from mdmp.symbols.path import Place
from mdmp.symbols.pdb_source import PdbSource
from mdmp.symbols.pe_dwarf_source import PeDwarfSource
from mdmp.symbols.sym_source import SymSource


class ModuleSymbols:
    """The best source of names for one module, and the files it comes from."""

    def __init__(self, files: ModuleFiles) -> None:
        self.files = files

    @property
    def format(self) -> str:
        source = self.debug_source or self.last_resort
        return source.format if source else ""

    @cached_property
    def debug_source(self) -> SymbolSource | None:
        """Debug information proper, the most telling first; None when there is none that fits."""
        files = self.files
        if files.native_pdb:
            return PdbSource(files.native_pdb)
        if isinstance(files.pdb.file, PortablePdb):
            return ManagedSource(files.pdb.file, files.image)
        if dwarf := PeDwarfSource.of(files.image_file.file):
            return dwarf
        if files.elf and (files.elf.dwarf or files.elf.debug):
            return ElfSource(files.elf)
        if files.macho and (files.macho.dwarf or files.macho.debug):
            return MachOSource(files.macho)
        return SymSource(files.sym.file) if files.sym.file else None

    @cached_property
    def last_resort(self) -> SymbolSource | None:
        """What the image itself exports."""
        files = self.files
        elf = files.elf or files.elf_in_memory
        if elf:
            return ElfSource(elf)
        macho = files.macho or files.macho_in_memory
        if macho:
            return MachOSource(macho)
        return ExportSource(files.image) if files.image else None

    @property
    def searches(self) -> tuple[tuple[str, Located[object]], ...]:
        """The searches for debug information that this kind of module allows: format and outcome, best format first."""
        files = self.files
        if files.is_elf:
            dwarf = files.elf_file if files.elf is files.elf_file.file and files.elf else files.elf_debug_file
            return ("dwarf", dwarf), ("sym", files.sym)
        if files.is_macho:
            image = files.macho_file
            return ("dwarf", image if image.file and image.file.dwarf else files.dsym), ("sym", files.sym)
        kind = "portable-pdb" if isinstance(files.pdb.file, PortablePdb) else "pdb"
        return ((kind, files.pdb), ("sym", files.sym)) if files.is_pe else (("sym", files.sym),)

    @property
    def image_search(self) -> Located[object]:
        files = self.files
        return files.elf_file if files.is_elf else files.macho_file if files.is_macho else files.image_file

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        """What is at `rva`, innermost first."""
        found = self.debug_source.lookup(rva) if self.debug_source else ()
        if not found and self.last_resort:
            found = self.last_resort.lookup(rva)
        return found

    def lookup_il(self, token: int, offset: int) -> tuple[SourceFrame, ...]:
        """What is at an IL offset of a method of this module; empty when it is no .NET module, or nothing is known."""
        source = self.debug_source
        if not isinstance(source, ManagedSource):
            source = ManagedSource(None, self.files.image) if self.files.managed_kind else None
        return source.lookup_il(token, offset) if source else ()

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self.debug_source.issues if self.debug_source else ()


class Symbols:
    """Symbols by module. `symbols` and `images` are searched in order; both lists serve both kinds of files.

    `index_folder` keeps what big text files were boiled down to; None keeps nothing.
    """

    def __init__(
        self,
        memory: MemoryReader,
        symbols: tuple[Place, ...] = (),
        images: tuple[Place, ...] = (),
        index_folder: Path | None = None,
    ) -> None:
        self._memory = memory
        self._symbols = Folders((*symbols, *images))
        self._images = Folders((*images, *symbols))
        self._index_folder = index_folder
        self._modules: dict[tuple[int, str], ModuleSymbols] = {}

    def of(self, module: Module) -> ModuleSymbols:
        key = (module.base, module.path)
        if key not in self._modules:
            files = ModuleFiles(module, self._memory, self._images, self._symbols, self._index_folder)
            self._modules[key] = ModuleSymbols(files)
        return self._modules[key]

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was found damaged in the debug information that was asked so far, by the name of its module."""
        return tuple(
            issue._replace(place=f"symbols of {module.files.module.name}: {issue.place}")
            for module in self._modules.values()
            for issue in module.issues
        )
