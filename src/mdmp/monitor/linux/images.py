"""Where in a process the run-time libraries have what they know: symbols by name."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from mdmp.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.elf.elf import Elf
    from mdmp.formats.elf.loaded import LoadedElf
    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import MemoryReader

LIBC = re.compile(r"libc(-2\.\d+)?\.so|libc\.so\.\d+")
LIBCPP = re.compile(r"lib(std)?c\+\+(abi)?\.so")
_MAX_FILE = 1 << 30


class Place(NamedTuple):
    """A symbol in the process."""

    start: int
    size: int

    def holds_return(self, address: int) -> bool:
        """Of a call in it. The call may be its last instruction."""
        return self.start < address <= self.start + self.size


class Images:
    """Of one process that stands still."""

    def __init__(self, proc: Proc, maps: Sequence[Mapping], memory: MemoryReader) -> None:
        self._proc = proc
        self._maps = maps
        self._memory = memory

    def find(self, library: re.Pattern[str], *names: str) -> list[Place]:
        """The symbols of these names in libraries with such a file name and in the program itself."""
        images: list[tuple[LoadedElf, Elf | None]] = [(image, None) for image in self._libraries(library)]
        if self._program:
            images.append(self._program)
        return [
            Place(symbol.address - image.load_address + image.base, symbol.size)
            for image, file in images
            for name in names
            if (symbol := image.named(name) or (file.named(name) if file else None))
        ]

    def code(self, library: re.Pattern[str]) -> list[tuple[int, int]]:
        """[start, end) of what can be executed of such libraries."""
        return [
            (m.start, m.end) for m in self._maps if "x" in m.permissions and library.match(os.path.basename(m.path))
        ]

    def _libraries(self, library: re.Pattern[str]) -> Iterator[LoadedElf]:
        for mapping in self._maps:
            if not mapping.offset and library.match(os.path.basename(mapping.path)):
                image = self._image(mapping)
                if image and image.segments:
                    yield image

    def _image(self, mapping: Mapping) -> LoadedElf | None:
        from mdmp.capture.linux.modules import image_at

        return image_at(self._memory, mapping.start)

    @cached_property
    def _program(self) -> tuple[LoadedElf, Elf | None] | None:
        """As it is in memory, and its file, which has more symbols and is asked when the program is static."""
        path = self._proc.link("exe")
        mapping = next((m for m in self._maps if m.path == path and not m.offset), None)
        image = self._image(mapping) if mapping else None
        if image is None:
            return None
        file = None
        if not any(LIBC.match(os.path.basename(m.path)) for m in self._maps):
            with suppress(OSError, FormatError, ValueError):
                file = _open(self._proc.path("exe"))
        return image, file


def _open(path: str) -> Elf | None:
    import mmap

    from mdmp.binary.window import Window
    from mdmp.formats.elf.elf import Elf

    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > _MAX_FILE:
            return None
        return Elf(Window(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), "program"))
