"""Answers from an export table: names only, and only where a function is known to begin."""

from bisect import bisect_right
from functools import cached_property

from mdmp.errors import FormatError, Issue, MemoryUnavailable
from mdmp.formats.pe.exports import read_exports
from mdmp.formats.pe.headers import PeImage
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable

MAX_DISTANCE = 0x4000
"""Beyond this the nearest export below is most likely another function's."""


class ExportSource:
    format = "exports"
    issues: tuple[Issue, ...] = ()

    def __init__(self, image: PeImage) -> None:
        self._image = image

    @cached_property
    def _names(self) -> dict[int, str]:
        """RVA of an exported function to its shortest name."""
        names: dict[int, str] = {}
        try:
            exports = read_exports(self._image)
        except (FormatError, MemoryUnavailable):
            return names
        for export in exports:
            if export.forwarder is None and export.name and self._image.is_executable(export.rva):
                known = names.get(export.rva)
                if known is None or (len(export.name), export.name) < (len(known), known):
                    names[export.rva] = export.name
        return names

    @cached_property
    def _starts(self) -> list[int]:
        return sorted(self._names)

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        i = bisect_right(self._starts, rva) - 1
        if i < 0 or rva - self._starts[i] > MAX_DISTANCE or not self._image.is_executable(rva):
            return ()
        start = self._starts[i]
        return (SourceFrame(readable(self._names[start]), start=start),)
