"""The bytes of a PE image by relative virtual address (RVA), wherever they come from: a file or a process."""

from typing import Protocol

from mdmp.binary.window import Window
from mdmp.errors import FormatError, MemoryUnavailable

MAX_READ = 1 << 26
"""No table of a PE image is larger; it bounds what a hostile size can make us allocate."""


class ImageBytes(Protocol):
    """An image as the loader lays it out."""

    def read(self, rva: int, size: int) -> bytes:
        """Exactly `size` bytes; `FormatError` or `MemoryUnavailable` when the image does not have them here."""


class ProcessMemory(Protocol):
    """The part of a memory reader that is needed here."""

    def read(self, address: int, size: int) -> bytes: ...


class MemoryImage:
    """An image as it stands in the memory of a process; pages may be missing."""

    __slots__ = ("_memory", "base", "size")

    def __init__(self, memory: ProcessMemory, base: int, size: int) -> None:
        self._memory = memory
        self.base = base
        self.size = size

    def read(self, rva: int, size: int) -> bytes:
        if rva < 0 or size > MAX_READ or rva + size > self.size:
            problem = f"expected an end <= {self.size:#x} (size of the image); found {rva + size:#x}"
            raise FormatError("image", problem, rva)
        return self._memory.read(self.base + rva, size)


class FileImage:
    """An image file. `sections` are (rva, virtual size, file offset, file size) of its parts, headers first."""

    __slots__ = ("_sections", "window")

    def __init__(self, window: Window, sections: tuple[tuple[int, int, int, int], ...]) -> None:
        self.window = window
        self._sections = sections

    def read(self, rva: int, size: int) -> bytes:
        if size > MAX_READ:
            raise FormatError(
                self.window.name, f"expected a table of at most {MAX_READ:#x} bytes; found {size:#x}", rva
            )
        for start, span, offset, stored in self._sections:
            at = rva - start
            if 0 <= at < span:
                if at + size <= stored:
                    return self.window.read(offset + at, size, "section")
                if at + size <= span:  # the loader fills the rest of a section with zeros
                    head = self.window.read(offset + at, stored - at, "section") if at < stored else b""
                    return head + bytes(size - len(head))
                break
        raise FormatError(self.window.name, f"no section holds {size:#x} bytes", rva)


class LayeredImage:
    """The same image from several places: what the first does not have is taken from the next."""

    __slots__ = ("_layers",)

    def __init__(self, *layers: ImageBytes) -> None:
        self._layers = layers

    def read(self, rva: int, size: int) -> bytes:
        problem: FormatError | MemoryUnavailable | None = None
        for layer in self._layers:
            try:
                return layer.read(rva, size)
            except (FormatError, MemoryUnavailable) as missing:
                problem = problem or missing
        raise problem or FormatError("image", "no source of bytes", rva)


def read_text(image: ImageBytes, rva: int, limit: int = 4096) -> bytes:
    """The bytes from `rva` up to a NUL or `limit`; an end of the readable bytes ends the text as well."""
    text = b""
    step = 32
    while len(text) < limit:
        try:
            piece = image.read(rva + len(text), min(step, limit - len(text)))
        except (FormatError, MemoryUnavailable):
            if step == 1:
                if text:
                    break
                raise
            step = 1 if step <= 8 else step // 4
            continue
        nul = piece.find(b"\0")
        if nul >= 0:
            return text + piece[:nul]
        text += piece
        step = min(step * 2, 256) if step >= 8 else step
    return text
