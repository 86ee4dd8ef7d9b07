"""What the C library wrote down before it ended the program by `abort`: damage of the heap, of a stack, an assertion.

The GNU C library (2.16 and later) keeps its last words where `__abort_msg` points: a 32-bit size and the text. musl
keeps none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mdmp.monitor.linux.images import LIBC

if TYPE_CHECKING:
    from mdmp.monitor.linux.images import Images
    from mdmp.snapshot import MemoryReader

_MAX_TEXT = 1 << 14
_OVERRUN = re.compile(r"stack smashing detected|buffer overflow detected")
_HEAP = re.compile(
    r"\b\w*(alloc|free|munmap_chunk|tcache\w*|unlink\w*|consolidate|memalign)\w*\(\): |"
    r"double free or corruption|corrupted (size|double-linked list|top size)|break adjusted to free malloc space"
)
_MALLOC = "malloc.c"
"""Where the library's own assertions about the heap are."""
_ASSERTION = re.compile(
    r"(?:[^:\n]*: )?(?P<file>[^:\n]+):(?P<line>\d{1,9}): (?:(?P<function>.+): )?"
    r"Assertion `(?P<expression>.*)' failed\.?",
    re.DOTALL,
)


def abort_message(images: Images, memory: MemoryReader, pointer_size: int) -> str | None:
    for place in images.find(LIBC, "__abort_msg"):
        at = memory.word(place.start, pointer_size)
        size = memory.word(at, 4) if at else None
        if at and size:
            raw = memory.read_some(at + 4, min(size, _MAX_TEXT)).partition(b"\0")[0]
            if text := raw.decode("utf-8", "replace").strip():
                return text
    return None


def kind_of(message: str) -> str:
    """Of `fault.KINDS`."""
    if assertion := _ASSERTION.fullmatch(message):
        return "heap_corruption" if assertion["file"] == _MALLOC else "abort"
    if _OVERRUN.search(message):
        return "buffer_overrun"
    return "heap_corruption" if _HEAP.search(message) else "abort"


def assertion_in(message: str) -> str | None:
    """`x != 0 in f, a.c:12`, as dumps keep it; None when the message is no failed assertion of <assert.h>."""
    found = _ASSERTION.fullmatch(message)
    if found is None:
        return None
    function = f" in {found['function']}" if found["function"] else ""
    return f"{found['expression']}{function}, {found['file']}:{found['line']}"
