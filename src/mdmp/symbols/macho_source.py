"""Answers from Mach-O: DWARF out of a dSYM bundle or the image itself, or the symbol table."""

from mdmp.errors import Issue
from mdmp.formats.macho import MachO
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable


class MachOSource:
    """Addresses are relative to the image's base: where `__TEXT` starts."""

    def __init__(self, macho: MachO) -> None:
        self._macho = macho
        self.format = "dwarf" if macho.dwarf or macho.debug else "macho"

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        base = self._macho.load_address
        frames = []
        for f in self._macho.lookup(rva + base):
            name = readable(f.linkage_name) if f.linkage_name else f.function
            if name:
                start = None if f.start is None else f.start - base
                frames.append(SourceFrame(name, f.file, f.line, f.inline, start))
        return tuple(frames)

    @property
    def issues(self) -> tuple[Issue, ...]:
        debug = self._macho.debug
        return (*self._macho.issues.freeze(), *(debug.issues.freeze() if debug else ()))
