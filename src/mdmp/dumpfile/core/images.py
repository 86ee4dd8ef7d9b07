"""ELF images in the memory that a core keeps."""

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.elf.loaded import LoadedElf
from mdmp.formats.elf.structs import PT_LOAD
from mdmp.snapshot import MemoryReader

PAGE = 4096
MAX_READ = 1 << 20
"""Of the headers of an image."""


class ImageBytes:
    """An image at `base`, of unknown size."""

    def __init__(self, memory: MemoryReader, base: int) -> None:
        self._memory = memory
        self._base = base

    def read(self, rva: int, size: int) -> bytes:
        if size > MAX_READ:
            raise FormatError("image", f"expected at most {MAX_READ:#x} bytes; found {size:#x}", rva)
        return self._memory.read(self._base + rva, size)


def image_at(memory: MemoryReader, base: int) -> LoadedElf | None:
    """The image whose first page lies at `base`; None where the core does not keep its headers."""
    try:
        return LoadedElf(ImageBytes(memory, base), base) if base else None
    except (FormatError, MemoryUnavailable):
        return None


def end_of(image: LoadedElf) -> int:
    """Where it ends in the process, by whole pages."""
    loads = [segment for segment in image.segments if segment.type == PT_LOAD]
    end = max((segment.address + segment.memory_size for segment in loads), default=0)
    return image.base + (max(end - image.load_address, 0) + PAGE - 1) // PAGE * PAGE
