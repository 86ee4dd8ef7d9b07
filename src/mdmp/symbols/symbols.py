"""The symbols of every module of one snapshot, opened when first asked for."""

from functools import cached_property

from mdmp.snapshot import MemoryReader, Module
from mdmp.symbols.export_source import ExportSource
from mdmp.symbols.folders import Folders
from mdmp.symbols.frame import SourceFrame, SymbolSource
from mdmp.symbols.module_files import ModuleFiles
from mdmp.symbols.path import Place
from mdmp.symbols.pdb_source import PdbSource


class ModuleSymbols:
    """The best source of names for one module, and the files it comes from."""

    def __init__(self, files: ModuleFiles) -> None:
        self.files = files

    @cached_property
    def debug_source(self) -> SymbolSource | None:
        """Debug information proper; None when there is none that fits."""
        pdb = self.files.pdb.file
        return PdbSource(pdb) if pdb else None

    @cached_property
    def _exports(self) -> SymbolSource | None:
        return ExportSource(self.files.image) if self.files.image else None

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        """What is at `rva`, innermost first; the export table is the last resort."""
        for source in (self.debug_source, self._exports):
            found = source.lookup(rva) if source else ()
            if found:
                return found
        return ()


class Symbols:
    """Symbols by module. `symbols` and `images` are searched in order; both lists serve both kinds of files."""

    def __init__(self, memory: MemoryReader, symbols: tuple[Place, ...] = (), images: tuple[Place, ...] = ()) -> None:
        self._memory = memory
        self._symbols = Folders((*symbols, *images))
        self._images = Folders((*images, *symbols))
        self._modules: dict[tuple[int, str], ModuleSymbols] = {}

    def of(self, module: Module) -> ModuleSymbols:
        key = (module.base, module.path)
        if key not in self._modules:
            self._modules[key] = ModuleSymbols(ModuleFiles(module, self._memory, self._images, self._symbols))
        return self._modules[key]
