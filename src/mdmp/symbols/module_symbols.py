"""One module of a snapshot: its names, its code and its unwind tables, from the files that fit it.

This file is what holds for every module; each kind of image adds its own in `pe_module`, `elf_module` and
`macho_module`. Files are searched for and opened when first asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mdmp.errors import Issue, MemoryUnavailable
from mdmp.snapshot import DebugId, MemoryReader, Module
from mdmp.symbols.folders import Folders
from mdmp.symbols.frame import SourceFrame, SymbolSource
from mdmp.symbols.locate import MISSING, Located

if TYPE_CHECKING:
    from mdmp.formats.breakpad import SymFile
    from mdmp.formats.dwarf.cfa import Row
    from mdmp.formats.macho import UnwindEntry
    from mdmp.formats.pdb.frames import FrameData
    from mdmp.formats.pe.headers import PeImage


class Search(NamedTuple):
    """Where the files of modules are looked for."""

    memory: MemoryReader
    images: Folders
    symbols: Folders
    index_folder: Path | None


class ModuleSymbols:
    """A module of which only a Breakpad symbol file can tell more. Addresses are relative to the module's base."""

    def __init__(self, module: Module, search: Search) -> None:
        self.module = module
        self.base = module.base
        self.end = module.end
        self._search = search

    @cached_property
    def debug(self) -> DebugId | None:
        """The identity of the debug information: from the dump, else from the image."""
        return self.module.debug

    @cached_property
    def sym(self) -> Located[SymFile]:
        """The Breakpad symbol file."""
        from mdmp.symbols.find_sym import find_sym

        if self.debug is None:
            return Located(MISSING)
        return find_sym(self.debug, self.module.name, self._search.symbols, self._search.index_folder)

    @property
    def searches(self) -> tuple[tuple[str, Located[object]], ...]:
        """The searches for debug information that this kind of module allows: format and outcome, best format first."""
        return (("sym", self.sym),)

    @property
    def image_search(self) -> Located[object]:
        return Located(MISSING)

    @cached_property
    def debug_source(self) -> SymbolSource | None:
        """Debug information proper, the most telling first; None when there is none that fits."""
        return self._own_debug_source() or self._sym_source()

    def _own_debug_source(self) -> SymbolSource | None:
        """Debug information in the format that belongs to this kind of image."""
        return None

    def _sym_source(self) -> SymbolSource | None:
        from mdmp.symbols.sym_source import SymSource

        return SymSource(self.sym.file) if self.sym.file else None

    @cached_property
    def last_resort(self) -> SymbolSource | None:
        """What the image itself exports."""
        return None

    @property
    def format(self) -> str:
        source = self.debug_source or self.last_resort
        return source.format if source else ""

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        """What is at `rva`, innermost first."""
        found = self.debug_source.lookup(rva) if self.debug_source else ()
        if not found and self.last_resort:
            found = self.last_resort.lookup(rva)
        return found

    def lookup_il(self, token: int, offset: int) -> tuple[SourceFrame, ...]:
        """What is at an IL offset of a method of this module; empty when it is no .NET module, or nothing is known."""
        return ()

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self.debug_source.issues if self.debug_source else ()

    @property
    def managed_kind(self) -> str | None:
        """Which kind of .NET image it is, as `formats.pe.managed` says; None: it is none, or no image is at hand."""
        return None

    def read(self, rva: int, size: int) -> bytes:
        """Bytes of the image, from memory or a file; `FormatError` or `MemoryUnavailable`."""
        raise MemoryUnavailable(self.base + rva, size)

    def executable(self, rva: int) -> bool | None:
        """May code stand there, going by the image's own headers? None: they are not at hand."""
        return None

    def pe_image(self) -> PeImage | None:
        return None

    def frame_data(self, rva: int) -> FrameData | None:
        """How x86 code lays out its frame."""
        return None

    def compact_unwind(self, rva: int) -> UnwindEntry | None:
        return None

    def call_frame(self, rva: int) -> Row | None:
        """The row of DWARF call-frame information."""
        return None

    def stack_cfi(self, rva: int) -> Mapping[str, tuple[str, ...]] | None:
        """The rules of Breakpad's STACK CFI records."""
        found = self.sym.file.cfi(rva) if self.sym.file else None
        return found.rules if found else None
