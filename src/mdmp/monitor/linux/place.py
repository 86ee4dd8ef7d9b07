"""Where a fault happened, in a form that is the same for each run of a program."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from mdmp.arch import CPUS
from mdmp.snapshot.module import base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import MemoryReader
    from mdmp.snapshot.thread import Context

_RAISERS: Final = re.compile(r"(libc|libpthread|ld|libstdc\+\+|libc\+\+|libc\+\+abi|libgcc_s|libm)\b.*|\[vdso\]")
"""Raise for others: the fault is that of who called."""
_SEARCHED: Final = 8192
"""Bytes of the stack."""


def place_of(context: Context | None, maps: Sequence[Mapping], memory: MemoryReader) -> str:
    """`libshop.so+0x1234`, an offset in the file: of the instruction; where that only raises for others, or is in no
    file, of the first one on the stack that may have called it. Empty when there is none."""
    if context is None or context.cpu not in CPUS:
        return ""
    cpu = CPUS[context.cpu]
    found = _in_file(context.registers.get(cpu.pc, 0), maps)
    if found and not _RAISERS.fullmatch(found[0]):
        return _text(found)
    word = cpu.pointer_size
    stack = memory.read_some(context.registers.get(cpu.sp, 0), _SEARCHED)
    for start in range(0, len(stack) - word + 1, word):
        caller = _in_file(int.from_bytes(stack[start : start + word], "little"), maps)
        if caller and not _RAISERS.fullmatch(caller[0]):
            return _text(caller)
    return _text(found) if found else ""


def _text(place: tuple[str, int]) -> str:
    return f"{place[0]}+{place[1]:#x}"


def _in_file(address: int, maps: Sequence[Mapping]) -> tuple[str, int] | None:
    """Name of the file whose code is there, and the offset in it."""
    index = bisect_right(maps, address, key=lambda mapping: mapping.start) - 1
    if index < 0 or address >= maps[index].end:
        return None
    mapping = maps[index]
    if "x" not in mapping.permissions or not mapping.path:
        return None
    return base_name(mapping.path), address - mapping.start + mapping.offset
