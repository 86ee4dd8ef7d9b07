"""What a process of Windows uses, cheaply."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from mdmp.monitor.watch.conditions import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.monitor.watch.conditions import Condition

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.permission import has_ended
from mdmp.capture.windows.threads import filetimes
from mdmp.monitor.windows.processes import thread_count

TICKS: Final = 10_000_000
"""FILETIME counts tenths of a microsecond."""


class WindowsSampler:
    """Looks at one process."""

    def __init__(self, pid: int, process: int, conditions: Sequence[Condition]) -> None:
        """`process`: a handle with the right to query it. `conditions` say what is needed."""
        self._pid = pid
        self._process = process
        kinds = {condition.kind for condition in conditions}
        self._wants_threads = "threads" in kinds
        self._wants_handles = "handles" in kinds
        self._heartbeat = next((c.heartbeat for c in conditions if c.heartbeat), None)
        self._wants_windows = any(c.kind == "hang" and c.heartbeat is None for c in conditions)

    def __call__(self) -> Sample | None:
        """None when the process has ended."""
        try:
            if has_ended(self._process):
                return None
            cpu_time, memory = self._cpu_time(), self._memory()
        except OSError:
            return None
        now = time.monotonic()
        return Sample(
            now,
            cpu_time,
            memory,
            thread_count(self._pid) if self._wants_threads else None,
            self._handles() if self._wants_handles else None,
            responding=responding(self._pid) if self._wants_windows else None,
            heartbeat=now - _age(self._heartbeat) if self._heartbeat else None,
        )

    def _cpu_time(self) -> float:
        return sum(filetimes(win32.GetProcessTimes, self._process)[2:]) / TICKS

    def _memory(self) -> int:
        counters = win32.PROCESS_MEMORY_COUNTERS_EX()
        size = ctypes.sizeof(counters)
        win32.GetProcessMemoryInfo(self._process, ctypes.addressof(counters), size)
        return int(counters.PrivateUsage or counters.PagefileUsage)  # Wine and Windows 7 leave the first one empty

    def _handles(self) -> int | None:
        count = win32.DWORD()
        try:
            win32.GetProcessHandleCount(self._process, ctypes.byref(count))
        except OSError:
            return None
        return count.value or None  # Wine does not count


def responding(pid: int) -> bool | None:
    """Whether all windows of a process answer, as Windows sees it: a pause of five seconds is too long.

    None: it has none that a user could wait for.
    """
    windows: list[int] = []

    def take(window: int, _: int) -> int:
        owner = win32.DWORD()
        win32.GetWindowThreadProcessId(window, ctypes.byref(owner))
        if owner.value == pid and win32.IsWindowVisible(window):
            windows.append(window)
        return 1

    try:
        win32.EnumWindows(win32.WNDENUMPROC(take), 0)
    except OSError:  # no desktop
        return None
    return not any(map(win32.IsHungAppWindow, windows)) if windows else None


def _age(path: str) -> float:
    """Seconds since a file was last touched; infinite for one that is not there."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return float("inf")
