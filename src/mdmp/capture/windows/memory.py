"""The memory of a living process of Windows: its map, and its bytes."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

from mdmp.capture.memory import ProcessMemory, joined
from mdmp.platforms.memory_protection import PAGE_GUARD, STATES, TYPES, permissions
from mdmp.snapshot import Region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

assert sys.platform == "win32"

from mdmp.capture.windows import win32

BUFFER = 1 << 20
PAGE = 4096
MAX_REGIONS = 1 << 20
_MAX_PATH = 32768
_LAST = 2 * sys.maxsize + 1


def find_regions(process: int) -> tuple[Region, ...]:
    """The memory map, free areas too. `OSError` when the system tells nothing at all."""
    return tuple(_walk(process))


def _walk(process: int) -> Iterator[Region]:
    info = win32.MEMORY_BASIC_INFORMATION()
    size = ctypes.sizeof(info)
    files: dict[int, str | None] = {}
    address = 0
    for _ in range(MAX_REGIONS):
        try:
            win32.VirtualQueryEx(process, address, ctypes.byref(info), size)
        except OSError:
            if not address:
                raise
            return  # beyond the last address that a program may use
        kind = TYPES.get(info.Type)
        free = info.State == win32.MEM_FREE
        yield Region(
            info.BaseAddress,
            info.RegionSize,
            STATES.get(info.State, "commit"),
            permissions(info.Protect) or "---",
            bool(info.Protect & PAGE_GUARD),
            kind,
            _file(process, info.AllocationBase, files) if kind == "mapped" else None,
            info.Protect,
            0 if free else info.AllocationBase,
            0 if free else info.AllocationProtect,
        )
        address = info.BaseAddress + info.RegionSize
        if not info.RegionSize or address > _LAST:
            return


def _file(process: int, base: int, files: dict[int, str | None]) -> str | None:
    """What a view shows, as the path of a device: asked once for each, since it is dear."""
    if base not in files:
        try:
            files[base] = mapped_file(process, base)
        except OSError:  # a view of memory, not of a file
            files[base] = None
    return files[base]


def mapped_file(process: int, address: int) -> str:
    """`\\Device\\HarddiskVolume3\\Windows\\System32\\locale.nls`"""
    buffer = ctypes.create_unicode_buffer(_MAX_PATH)
    win32.GetMappedFileName(process, address, buffer, _MAX_PATH)
    return buffer.value


def readable(regions: Sequence[Region]) -> tuple[tuple[int, int], ...]:
    """(start, size) of what can be read, ranges that touch joined. Guard pages are left alone: they are there to be
    touched by the program."""
    return joined(
        (region.start, region.size)
        for region in regions
        if region.state == "commit" and not region.guard and region.protection not in ("", "---")
    )


class WindowsMemory(ProcessMemory):
    def __init__(self, process: int, ranges: tuple[tuple[int, int], ...]) -> None:
        """`process`: a handle that lets us read, open as long as this is used."""
        super().__init__(ranges, BUFFER)
        self._process = process
        self._buffer = ctypes.create_string_buffer(BUFFER)
        self._view = memoryview(self._buffer).cast("B")
        self._count = ctypes.c_size_t()

    def _fill(self, address: int, size: int) -> memoryview:
        """One page that went away costs the call all bytes on some systems, so then pages are read one by one."""
        count = self._read(address, size, 0)
        while count < size:
            step = min(size - count, PAGE - (address + count) % PAGE)
            got = self._read(address + count, step, count)
            count += got
            if got < step:
                break
        return self._view[:count]

    def _read(self, address: int, size: int, offset: int) -> int:
        self._count.value = 0
        place = ctypes.byref(self._buffer, offset)
        if win32.ReadProcessMemory(self._process, address, place, size, ctypes.byref(self._count)):
            return size
        return min(self._count.value, size)
