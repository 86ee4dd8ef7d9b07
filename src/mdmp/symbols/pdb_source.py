"""Answers from a PDB."""

from mdmp.formats.pdb import Pdb
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable


class PdbSource:
    format = "pdb"

    def __init__(self, pdb: Pdb) -> None:
        self._pdb = pdb

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        return tuple(
            SourceFrame(readable(f.function), f.file, f.line, f.inline, f.start, f.checksum)
            for f in self._pdb.lookup(rva)
            if f.function
        )
