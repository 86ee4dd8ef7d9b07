"""Answers from a PDB."""

from mdmp.errors import Issue
from mdmp.formats.pdb import Pdb, PdbFrame
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable

_I386 = 0x14C


class PdbSource:
    format = "pdb"

    def __init__(self, pdb: Pdb) -> None:
        self._pdb = pdb

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        return tuple(
            SourceFrame(self._name(f), f.file, f.line, f.inline, f.start, f.checksum)
            for f in self._pdb.lookup(rva)
            if f.function
        )

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self._pdb.issues.freeze()

    def _name(self, frame: PdbFrame) -> str:
        name = readable(frame.function)
        if name is frame.function and frame.source in ("public", "trampoline") and self._pdb.machine == _I386:
            return name.removeprefix("_")  # 32-bit x86 alone puts it before every C name
        return name
