"""Where in the code of a process of Linux a fault happened."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from mdmp.arch import CPUS
from mdmp.monitor.place import SEARCHED, first_place
from mdmp.snapshot.module import base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import MemoryReader
    from mdmp.snapshot.thread import Context

_RAISERS: Final = re.compile(r"(libc|libpthread|ld|libstdc\+\+|libc\+\+|libc\+\+abi|libgcc_s|libm)\b.*|\[vdso\]")
"""Raise for others: the fault is that of who called."""


def place_of(context: Context | None, maps: Sequence[Mapping], memory: MemoryReader) -> str:
    """With an offset in the file; empty when it is in none."""
    if context is None or context.cpu not in CPUS:
        return ""
    cpu = CPUS[context.cpu]
    registers = context.registers
    stack = memory.read_some(registers.get(cpu.sp, 0), SEARCHED)
    return first_place(
        registers.get(cpu.pc, 0), stack, cpu.pointer_size, lambda address: _in_file(address, maps), _RAISERS
    )


def _in_file(address: int, maps: Sequence[Mapping]) -> tuple[str, int] | None:
    """Name of the file whose code is there, and the offset in it."""
    index = bisect_right(maps, address, key=lambda mapping: mapping.start) - 1
    if index < 0 or address >= maps[index].end:
        return None
    mapping = maps[index]
    if "x" not in mapping.permissions or not mapping.path:
        return None
    return base_name(mapping.path), address - mapping.start + mapping.offset
