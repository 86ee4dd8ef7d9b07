"""A copy of a process that shares its memory until either writes to it, made by Windows 8.1 and later.

All threads stand still while it is made, for some milliseconds; their registers are in it. Source: processsnapshot.h.
"""

from __future__ import annotations

import ctypes
import sys
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.snapshot import Context

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.contexts import decode

_WHAT = (
    win32.PSS_CAPTURE_VA_CLONE
    | win32.PSS_CAPTURE_THREADS
    | win32.PSS_CAPTURE_THREAD_CONTEXT
    | win32.PSS_CREATE_BREAKAWAY
    | win32.PSS_CREATE_BREAKAWAY_OPTIONAL
    | win32.PSS_CREATE_USE_VM_ALLOCATIONS
    | win32.PSS_CREATE_RELEASE_SECTION
)


class CopiedThread(NamedTuple):
    tid: int
    context: Context | None
    suspend_count: int
    teb: int


class Copy(NamedTuple):
    process: int
    """A handle to the copy: for reading its memory and its map, and for nothing else."""
    threads: tuple[CopiedThread, ...]
    held: timedelta
    """How long it took to make: the threads stood still for no longer."""


@contextmanager
def copied(process: int, context_flags: int) -> Iterator[Copy]:
    """`OSError` where the system cannot. The copy goes with the `with`, or with us when we die."""
    snapshot, since = ctypes.c_void_p(), time.monotonic()
    win32.PssCaptureSnapshot(process, _WHAT, context_flags, ctypes.byref(snapshot))
    held = timedelta(seconds=time.monotonic() - since)
    try:
        clone = ctypes.c_void_p()
        win32.PssQuerySnapshot(
            snapshot, win32.PSS_QUERY_VA_CLONE_INFORMATION, ctypes.byref(clone), ctypes.sizeof(clone)
        )
        yield Copy(clone.value or 0, tuple(_threads(snapshot)), held)
    finally:
        with suppress(OSError):
            win32.PssFreeSnapshot(win32.GetCurrentProcess(), snapshot)


def _threads(snapshot: ctypes.c_void_p) -> Iterator[CopiedThread]:
    marker = ctypes.c_void_p()
    win32.PssWalkMarkerCreate(None, ctypes.byref(marker))
    try:
        entry = win32.PSS_THREAD_ENTRY()
        while True:
            try:
                win32.PssWalkSnapshot(
                    snapshot, win32.PSS_WALK_THREADS, marker, ctypes.byref(entry), ctypes.sizeof(entry)
                )
            except OSError as problem:
                if problem.winerror == win32.ERROR_NO_MORE_ITEMS:
                    return
                raise
            place, size = entry.ContextRecord, entry.SizeOfContextRecord
            context = decode(ctypes.string_at(place, size)) if place and size else None
            yield CopiedThread(entry.ThreadId, context, entry.SuspendCount, entry.TebBaseAddress or 0)
    finally:
        win32.PssWalkMarkerFree(marker)
