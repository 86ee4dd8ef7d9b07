"""Answers from DWARF inside a PE image, as MinGW makes it."""

from mdmp.binary.window import Window
from mdmp.errors import Issue
from mdmp.formats.dwarf import Dwarf, Sections
from mdmp.formats.pe.file_sections import file_section
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.image import FileImage
from mdmp.symbols.frame import SourceFrame
from mdmp.symbols.names import readable


class PeDwarfSource:
    format = "dwarf"

    def __init__(self, image: PeImage, window: Window) -> None:
        self._base = image.preferred_base
        self._dwarf = Dwarf(Sections(lambda name: file_section(image, window, f".{name}")), self._base + 1)

    @classmethod
    def of(cls, image: PeImage | None) -> "PeDwarfSource | None":
        """None for an image that is not a file, or has no DWARF."""
        if image is None or not isinstance(image.data, FileImage):
            return None
        window = image.data.window
        return cls(image, window) if file_section(image, window, ".debug_info") else None

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        frames = []
        for f in self._dwarf.lookup(rva + self._base):
            name = readable(f.linkage_name) if f.linkage_name else f.function
            if name:
                start = None if f.start is None else f.start - self._base
                frames.append(SourceFrame(name, f.file, f.line, f.inline, start))
        return tuple(frames)

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self._dwarf.issues.freeze()
