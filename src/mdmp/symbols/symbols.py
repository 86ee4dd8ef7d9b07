"""The modules of one snapshot with their symbols, opened when first asked for."""

from pathlib import Path

from mdmp.errors import Issue
from mdmp.snapshot import MemoryReader, Module
from mdmp.symbols.folders import Folders
from mdmp.symbols.module_symbols import ModuleSymbols, Search
from mdmp.symbols.path import Place


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
        self._search = Search(memory, Folders((*images, *symbols)), Folders((*symbols, *images)), index_folder)
        self._modules: dict[tuple[int, str], ModuleSymbols] = {}

    def of(self, module: Module) -> ModuleSymbols:
        key = (module.base, module.path)
        if key not in self._modules:
            self._modules[key] = _kind(module.os)(module, self._search)
        return self._modules[key]

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was found damaged in the debug information that was asked so far, by the name of its module."""
        return tuple(
            issue._replace(place=f"symbols of {module.module.name}: {issue.place}")
            for module in self._modules.values()
            for issue in module.issues
        )


def _kind(os: str | None) -> type[ModuleSymbols]:
    """The kind of images that an OS has. Imported when needed: each brings the readers of its formats along."""
    if os in ("windows", None):
        from mdmp.symbols.pe_module import PeModule

        return PeModule
    if os in ("linux", "android", "fuchsia", "solaris", "nacl"):
        from mdmp.symbols.elf_module import ElfModule

        return ElfModule
    if os in ("macos", "ios"):
        from mdmp.symbols.macho_module import MachOModule

        return MachOModule
    return ModuleSymbols
