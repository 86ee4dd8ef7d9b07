"""The process of a name."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from mdmp.capture.linux.proc import Proc, pids
from mdmp.formats.proc.stat import KERNEL_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE = 0.05
_YOUNG = 2.0
"""Seconds after which a process that has been seen is not expected to become another program."""
_MAX_COMM = 15


class _Seen(NamedTuple):
    start: int
    until: float
    """Looked at again before, by the clock `time.monotonic`."""


def find_linux(name: str) -> list[int]:
    """The processes that run a program of that name."""
    return [pid for pid in pids() if _is_named(pid, name)]


def wait_linux(name: str, tell: Callable[[str], None]) -> int:
    """The next process that begins to run a program of that name."""
    now = time.monotonic()
    seen = {
        pid: _Seen(start, now if _is_named(pid, name) else now + _YOUNG)
        for pid in pids()
        if (start := _start(pid)) is not None
    }
    tell(f"waiting for a process {name}")
    while True:
        for pid in pids():
            known = seen.get(pid)
            if known and known.until < time.monotonic():
                continue
            start = _start(pid)
            if start is None:
                continue
            if known is None or known.start != start:
                seen[pid] = _Seen(start, time.monotonic() + _YOUNG)
            if pid != os.getpid() and _is_named(pid, name):
                return pid
        time.sleep(_PAUSE)


def _start(pid: int) -> int | None:
    stat = Proc(pid).stat()
    return stat.start_ticks if stat else None


def _is_named(pid: int, name: str) -> bool:
    """By the file that it runs; where that cannot be seen, or is an interpreter's, by the name that the kernel has."""
    proc = Proc(pid)
    stat = proc.stat()
    if stat is None or stat.state in "ZX" or stat.flags & KERNEL_THREAD:
        return False
    path, comm = proc.program, os.fsencode(name)[:_MAX_COMM].decode("utf-8", "replace")
    return name in (path, os.path.basename(path)) or comm == stat.name
