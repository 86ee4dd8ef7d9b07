"""Every thread of a process suspended, and each resumed as often as we suspended it."""

from __future__ import annotations

import ctypes
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from mdmp.errors import UnusableInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.guard import Guard

ACCESS = win32.THREAD_SUSPEND_RESUME | win32.THREAD_GET_CONTEXT | win32.THREAD_QUERY_INFORMATION
_MAX_THREADS = 1 << 16


class Held(NamedTuple):
    """A thread that stands still."""

    handle: int
    suspend_count: int
    """What it was before us."""


class Frozen:
    def __init__(self, process: int, pid: int, stands_still: bool) -> None:
        """`stands_still`: the system has stopped all threads already, for a debugger."""
        self.threads: dict[int, Held] = {}
        self.since = time.monotonic()
        self._process = process
        self._pid = pid
        self._suspended = not stands_still
        self._guard: Guard | None = None

    def hold(self, limit: float) -> None:
        """Threads that are born while others are suspended come in the next round."""
        self._guard = Guard(self._pid) if self._suspended else None
        self.since = time.monotonic()
        while self._hold_fresh():
            if time.monotonic() - self.since > limit:
                raise UnusableInputError(f"process {self._pid} starts threads faster than they can be stopped")
        if not self.threads:
            raise UnusableInputError(f"process {self._pid} ended before it could be captured")

    def _hold_fresh(self) -> bool:
        fresh = False
        for handle in _threads(self._process):
            tid = win32.GetThreadId(handle)
            if tid in self.threads or not self._suspend(tid, handle):
                win32.CloseHandle(handle)
            else:
                fresh = True
        return fresh

    def _suspend(self, tid: int, handle: int) -> bool:
        """False when the thread has ended."""
        if self._guard:
            self._guard.take(tid)
        try:
            count = win32.SuspendThread(handle)
        except OSError:
            if self._guard:
                self._guard.give_back(tid)
            return False
        self.threads[tid] = Held(handle, count)
        if not self._suspended:
            win32.ResumeThread(handle)
        return True

    def release(self) -> None:
        for tid, held in self.threads.items():
            if self._suspended:
                with suppress(OSError):  # it was ended meanwhile
                    win32.ResumeThread(held.handle)
                if self._guard:
                    self._guard.give_back(tid)
            win32.CloseHandle(held.handle)
        self.threads.clear()
        if self._guard:
            self._guard.close()


@contextmanager
def freeze(process: int, pid: int, limit: float, stands_still: bool = False) -> Iterator[Frozen]:
    """`limit`: seconds in which all threads have to stand still, or `UnusableInputError` says why they do not."""
    frozen = Frozen(process, pid, stands_still)
    try:
        frozen.hold(limit)
        yield frozen
    finally:
        frozen.release()


def _threads(process: int) -> list[int]:
    """A handle for each thread, which the caller closes."""
    found: list[int] = []
    following = ctypes.c_void_p()
    while len(found) < _MAX_THREADS:
        try:
            win32.NtGetNextThread(process, found[-1] if found else 0, ACCESS, 0, 0, ctypes.byref(following))
        except OSError:  # no more
            break
        found.append(following.value or 0)
    return found
