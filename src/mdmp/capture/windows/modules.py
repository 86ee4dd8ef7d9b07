"""Loaded images, and those that were unloaded -> `Module`, `UnloadedModule`."""

from __future__ import annotations

import ctypes
import sys
from struct import Struct
from typing import TYPE_CHECKING

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe.debug import read_codeview
from mdmp.formats.pe.headers import PeImage, open_memory
from mdmp.formats.pe.version import read_version
from mdmp.snapshot import DebugId, Module, UnloadedModule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from mdmp.errors import IssueLog
    from mdmp.snapshot import MemoryReader, Region

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.memory import mapped_file

MAX_MODULES = 1 << 14
_MAX_PATH = 32768
_MAX_IMAGE = 1 << 31
_KINDS = {"RSDS": "pdb70", "NB10": "pdb20"}


def find_modules(
    process: int, emulated: bool, memory: MemoryReader, regions: Sequence[Region], issues: IssueLog
) -> tuple[Module, ...]:
    """In the order of the loader, the program first. Of a 32-bit program on a 64-bit system, the 32-bit ones."""
    try:
        found = [_listed(process, base) for base in _bases(process, emulated)]
    except OSError as problem:
        issues.add("modules", f"the loader's list cannot be read ({problem}): images are taken from the memory map")
        found = list(_mapped(process, regions, memory))
    return tuple(_module(base, size, path, memory) for base, size, path in found if size)


def _bases(process: int, emulated: bool) -> list[int]:
    which = win32.LIST_MODULES_32BIT if emulated else win32.LIST_MODULES_ALL
    room = 1024
    while True:
        handles = (ctypes.c_size_t * room)()
        needed = ctypes.c_uint32()
        win32.EnumProcessModulesEx(process, handles, ctypes.sizeof(handles), ctypes.byref(needed), which)
        count = needed.value // ctypes.sizeof(ctypes.c_size_t)
        if count <= room or room >= MAX_MODULES:
            return list(handles[: min(count, room)])
        room = min(count, MAX_MODULES)


def _listed(process: int, base: int) -> tuple[int, int, str]:
    info = win32.MODULEINFO()
    try:
        win32.GetModuleInformation(process, base, ctypes.byref(info), ctypes.sizeof(info))
    except OSError:
        return base, 0, ""
    buffer = ctypes.create_unicode_buffer(_MAX_PATH)
    try:
        win32.GetModuleFileNameEx(process, base, buffer, _MAX_PATH)
    except OSError:
        return base, info.SizeOfImage, ""
    return base, info.SizeOfImage, buffer.value


def _mapped(process: int, regions: Sequence[Region], memory: MemoryReader) -> Iterator[tuple[int, int, str]]:
    for base in dict.fromkeys(r.allocation_base for r in regions if r.kind == "image" and r.allocation_base):
        if memory.read_some(base, 2) == b"MZ":
            end = max(region.end for region in regions if region.allocation_base == base)
            try:
                path = mapped_file(process, base)
            except OSError:
                path = ""
            yield base, end - base, path


def _module(base: int, size: int, path: str, memory: MemoryReader) -> Module:
    facts: dict[str, Any] = {}
    try:
        image = open_memory(memory, base, min(size, _MAX_IMAGE))
    except (FormatError, MemoryUnavailable):
        return Module(base, size, path, os="windows")
    facts["timestamp"] = image.timestamp
    facts["checksum"] = image.optional_header.CheckSum
    facts["debug"] = _debug(image)
    facts["file_version"], facts["product_version"] = _versions(image)
    return Module(base, size, path, os="windows", **facts)


def _debug(image: PeImage) -> DebugId | None:
    try:
        found = read_codeview(image)
    except (FormatError, MemoryUnavailable):
        return None
    return DebugId(_KINDS[found.kind], found.signature, found.age, found.path) if found else None


def _versions(image: PeImage) -> tuple[str | None, str | None]:
    try:
        found = read_version(image)
    except (FormatError, MemoryUnavailable):
        return None, None
    if found is None or found.fixed is None:
        return None, None
    fixed = found.fixed
    return _version(fixed.FileVersionMS, fixed.FileVersionLS), _version(fixed.ProductVersionMS, fixed.ProductVersionLS)


def _version(high: int, low: int) -> str:
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


_TRACE = {4: Struct("<IIIII64s"), 8: Struct("<QQIII64s")}
"""RTL_UNLOAD_EVENT_TRACE: base, size, sequence, time stamp, checksum, name; newer ones go on."""
_MAX_TRACES = 1024


def find_unloaded(memory: MemoryReader) -> tuple[UnloadedModule, ...] | None:
    """The last ones that were unloaded, which ntdll keeps. For programs of our own width: their ntdll lies where ours
    does. None when there is nothing that looks right."""
    pointers = [ctypes.c_void_p() for _ in range(3)]
    try:
        win32.RtlGetUnloadEventTraceEx(*map(ctypes.byref, pointers))
    except OSError:
        return None
    size_at, count_at, list_at = (pointer.value or 0 for pointer in pointers)
    word = ctypes.sizeof(ctypes.c_void_p)
    size, count, start = memory.word(size_at, 4), memory.word(count_at, 4), memory.word(list_at, word)
    layout = _TRACE[word]
    if size is None or count is None or start is None or not layout.size <= size < 4096 or count > _MAX_TRACES:
        return None
    if not start:
        return ()
    found = []
    for index in range(count):
        raw = memory.read_some(start + index * size, layout.size)
        if len(raw) < layout.size:
            break
        base, length, sequence, timestamp, checksum, name = layout.unpack(raw)
        if base and length:
            text = name.decode("utf-16-le", "replace").split("\0", 1)[0]
            found.append((sequence, UnloadedModule(base, min(length, 0xFFFFFFFF), text, timestamp, checksum)))
    return tuple(module for _, module in sorted(found, key=lambda entry: entry[0]))
