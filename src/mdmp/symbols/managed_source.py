"""Answers about methods of a .NET module: lines from its portable PDB, names from its metadata."""

from functools import cached_property

from mdmp.errors import FormatError, Issue, IssueLog, MemoryUnavailable
from mdmp.formats.clr import Metadata, PortablePdb
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.managed import read_metadata
from mdmp.symbols.frame import SourceFrame


class ManagedSource:
    """Either part may be missing. Where its native code came from, neither of them knows: `lookup` is empty."""

    format = "portable-pdb"

    def __init__(self, pdb: PortablePdb | None, image: PeImage | None) -> None:
        self._pdb = pdb
        self._image = image
        self._issues = IssueLog()

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self._issues.freeze()

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        return ()

    def lookup_il(self, token: int, offset: int) -> tuple[SourceFrame, ...]:
        pdb = self._pdb
        try:
            written = pdb.written_as(token) if pdb else token
            place = pdb.lookup(token, offset) if pdb else None
        except FormatError as problem:
            self._issues.survive(problem)
            written, place = token, None
        name = self._name(written)
        if pdb is None or place is None:
            return (SourceFrame(name),) if name else ()
        document = place.document
        # Without the assembly the method has no name but its number.
        shown = name or f"{token:#x}"
        return (SourceFrame(shown, document.name, place.line, checksum=document.checksum, url=pdb.url(document)),)

    def _name(self, token: int) -> str | None:
        try:
            return self._metadata.method_name(token) if self._metadata else None
        except FormatError as problem:
            self._issues.survive(problem)
            return None

    @cached_property
    def _metadata(self) -> Metadata | None:
        try:
            window = read_metadata(self._image) if self._image else None
            return Metadata(window) if window else None
        except FormatError as problem:
            self._issues.survive(problem)
        except MemoryUnavailable:
            pass
        return None
