"""What a thread is beside its registers -> `Thread`."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from mdmp.capture.linux.process import start_time, ticks
from mdmp.snapshot import Thread
from mdmp.snapshot.stacks import pointer_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import Context

_GUARD = 1 << 20
"""A stack pointer that went beyond the end of its stack is no further away than this."""


def make_thread(
    proc: Proc, tid: int, context: Context | None, maps: Sequence[Mapping], booted: datetime | None
) -> Thread:
    """`booted`: when the system began."""
    stat = proc.stat(tid)
    pointer = pointer_of(context, "sp")
    stack = stack_at(maps, pointer) if pointer is not None else None
    return Thread(
        tid,
        context,
        name=stat.name if stat else None,
        stack_start=stack.start if stack else None,
        stack_size=stack.size if stack else None,
        create_time=start_time(stat, booted),
        kernel_time=ticks(stat.kernel_ticks) if stat else None,
        user_time=ticks(stat.user_ticks) if stat else None,
    )


def stack_at(maps: Sequence[Mapping], pointer: int) -> Mapping | None:
    """The mapping that the stack pointer lies in or, after an overflow, right below. `maps` are sorted: threads are
    many, and so are their stacks."""
    for index in range(bisect_right(maps, pointer, key=lambda mapping: mapping.end), len(maps)):
        mapping = maps[index]
        if mapping.start - pointer >= _GUARD:
            return None
        if "w" in mapping.permissions:
            return mapping
    return None
