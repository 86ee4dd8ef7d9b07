"""Mapped ELF files, their headers read from memory -> `Module`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.elf.loaded import LoadedElf
from mdmp.formats.elf.structs import PT_LOAD
from mdmp.snapshot import DebugId, MemoryReader, Module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mdmp.formats.proc.maps import Mapping

PAGE = 4096
VDSO = "[vdso]"
LINUX_GATE = "linux-gate.so"
"""What Breakpad calls the image that the kernel maps into each process."""
MAX_MODULES = 4096
_MAX_READ = 1 << 20
_DELETED = " (deleted)"


class _ImageBytes:
    def __init__(self, memory: MemoryReader, base: int) -> None:
        self._memory = memory
        self._base = base

    def read(self, rva: int, size: int) -> bytes:
        if size > _MAX_READ:
            raise FormatError("image", f"expected at most {_MAX_READ:#x} bytes; found {size:#x}", rva)
        return self._memory.read(self._base + rva, size)


def image_at(memory: MemoryReader, base: int) -> LoadedElf | None:
    """The ELF image whose headers lie at `base`."""
    try:
        if memory.read_some(base, 4) != b"\x7fELF":
            return None
        return LoadedElf(_ImageBytes(memory, base), base)
    except (FormatError, MemoryUnavailable):
        return None


def _identity_of_file(mapping: Mapping) -> bytes | None:
    """Of an image that has no build id in memory, from its file if that is still the very one: the id, of which Go's
    program headers do not tell, or what stands in for it (clang and musl-gcc give none)."""
    import mmap
    import stat

    from mdmp.binary.window import Window
    from mdmp.formats.elf.elf import Elf

    try:
        with open(os.open(mapping.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_ino != mapping.inode:
                return None
            raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        elf = Elf(Window(raw, mapping.path))
        return elf.build_id or elf.code_hash
    except (OSError, ValueError, FormatError):
        return None


def end_of(image: LoadedElf) -> int:
    """Where it ends in the process, by whole pages."""
    end = max((s.address + s.memory_size for s in image.segments if s.type == PT_LOAD), default=0)
    return image.base + (max(end - image.load_address, 0) + PAGE - 1) // PAGE * PAGE


def find_modules(maps: Sequence[Mapping], memory: MemoryReader, program: int) -> tuple[Module, ...]:
    """The image that holds the address `program` (of its headers: AT_PHDR) first, then by address."""
    found = sorted(_images(maps, memory), key=lambda module: (not module.base <= program < module.end, module.base))
    return tuple(found[:MAX_MODULES])


def _images(maps: Sequence[Mapping], memory: MemoryReader) -> Iterator[Module]:
    """Where headers lie in a mapped file and a part of it is executable; a file that is only read is no image."""
    at = 0
    while at < len(maps):
        first = maps[at]
        at += 1
        image = image_at(memory, first.start) if first.inode or first.path == VDSO else None
        if image is None:
            continue
        end = end_of(image)
        executable = "x" in first.permissions
        while at < len(maps) and maps[at].start < end:
            executable |= "x" in maps[at].permissions and maps[at].inode == first.inode
            at += 1
        if executable:
            path = LINUX_GATE if first.path == VDSO else first.path.removesuffix(_DELETED)
            identity = image.build_id or _identity_of_file(first)
            debug = DebugId("elf", identity, 0, "") if identity else None
            yield Module(first.start, end - first.start, path, debug=debug, os="linux")
