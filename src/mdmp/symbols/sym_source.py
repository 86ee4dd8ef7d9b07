"""Answers from a Breakpad symbol file."""

from mdmp.errors import Issue
from mdmp.formats.breakpad import SymFile
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable


class SymSource:
    format = "sym"

    def __init__(self, sym: SymFile) -> None:
        self._sym = sym

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        return tuple(
            SourceFrame(readable(f.function), f.file, f.line, f.inline, f.start) for f in self._sym.lookup(rva)
        )

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self._sym.issues
