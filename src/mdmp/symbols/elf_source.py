"""Answers from ELF: DWARF, symbol tables, or the dynamic symbols of an image in memory."""

from mdmp.errors import Issue
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.loaded import LoadedElf
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable


class ElfSource:
    """Addresses are relative to the image's base, or `as_linked`."""

    def __init__(self, elf: Elf | LoadedElf, as_linked: bool = False) -> None:
        self._elf = elf
        self._base = 0 if as_linked else elf.load_address
        has_dwarf = isinstance(elf, Elf) and (elf.dwarf is not None or elf.debug is not None)
        self.format = "dwarf" if has_dwarf else "elf"

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        frames = []
        for f in self._elf.lookup(rva + self._base):
            name = readable(f.linkage_name) if f.linkage_name else f.function
            if name:
                start = None if f.start is None else f.start - self._base
                frames.append(SourceFrame(name, f.file, f.line, f.inline, start))
        return tuple(frames)

    @property
    def issues(self) -> tuple[Issue, ...]:
        split = self._elf.debug if isinstance(self._elf, Elf) else None
        return (*self._elf.issues.freeze(), *(split.issues.freeze() if split else ()))
