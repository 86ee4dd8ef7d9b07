"""What the dynamic linker had loaded, from the record that it keeps for debuggers -> `Linker`.

Source: `struct r_debug` and `struct link_map` in link.h of the GNU C library and of musl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.capture.linux.modules import image_at
from mdmp.formats.elf.structs import PT_DYNAMIC
from mdmp.snapshot import LinkedLibrary, Linker, MemoryReader

if TYPE_CHECKING:
    from collections.abc import Iterator

DT_DEBUG = 21
MAX_LIBRARIES = 4096
_MAX_DYNAMIC = 1 << 16
_MAX_PATH = 4096


def read_linker(memory: MemoryReader, program: int, word: int) -> Linker | None:
    """`program`: its base; `word`: bytes of a pointer. None for a static program, or before the linker is done."""
    image = image_at(memory, program)
    segment = next((s for s in image.segments if s.type == PT_DYNAMIC), None) if image else None
    if image is None or segment is None:
        return None
    at = segment.address - image.load_address + image.base
    dynamic = memory.read_some(at, min(segment.memory_size, _MAX_DYNAMIC))
    record = _entry(dynamic, DT_DEBUG, word)
    if not record:
        return None
    version = memory.word(record, 4)
    first, stop, base = (memory.word(record + i * word, word) for i in (1, 2, 4))
    if not version or first is None or stop is None or base is None:
        return None
    return Linker(version, stop, base, at, dynamic, tuple(_libraries(memory, first, word)))


def _entry(dynamic: bytes, tag: int, word: int) -> int:
    """The value of a tag of the dynamic section; 0 when it is not there."""
    for at in range(0, len(dynamic) - 2 * word + 1, 2 * word):
        if int.from_bytes(dynamic[at : at + word], "little") == tag:
            return int.from_bytes(dynamic[at + word : at + 2 * word], "little")
    return 0


def _libraries(memory: MemoryReader, at: int | None, word: int) -> Iterator[LinkedLibrary]:
    seen: set[int] = set()
    while at and at not in seen and len(seen) < MAX_LIBRARIES:
        seen.add(at)
        base, name, dynamic = (memory.word(at + i * word, word) for i in range(3))
        if base is None or dynamic is None:
            return
        path = memory.read_some(name, _MAX_PATH).split(b"\0")[0] if name else b""
        yield LinkedLibrary(base, path.decode("utf-8", "replace"), dynamic)
        at = memory.word(at + 3 * word, word)
