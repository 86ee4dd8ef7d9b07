"""Programs watched from their start, and processes watched from now on; the same on each system."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions


class StartError(UsageError):
    """A program could not be started; the message says why."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """What a shell would return."""


def run(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    """Starts a program as our child, with our terminal, files and signals, and watches it to its end.

    Returns its exit status as a shell gives it (Linux: 128 + signal; Windows: the 32-bit code). `tell` hears, in a line
    each, what a user wants to know meanwhile. `StartError` when the program cannot be started, and why.
    """
    if sys.platform == "linux":
        from mdmp.monitor.linux.trace import run_linux

        return run_linux(arguments, keeper, options, tell)
    elif sys.platform == "win32":
        from mdmp.monitor.windows.debug_loop import run_windows

        return run_windows(arguments, keeper, options, tell)
    else:
        raise UsageError(f"watching programs is not possible on {sys.platform}")


def attach(pid: int, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> None:
    """Watches a process that runs already, until it ends, `options.number` dumps are there, or we are interrupted: then
    it is let go and runs on. `UsageError` when we may not, and why."""
    if sys.platform == "linux":
        from mdmp.monitor.linux.trace import attach_linux

        return attach_linux(pid, keeper, options, tell)
    elif sys.platform == "win32":
        from mdmp.monitor.windows.debug_loop import attach_windows

        return attach_windows(pid, keeper, options, tell)
    else:
        raise UsageError(f"watching processes is not possible on {sys.platform}")


def find_process(text: str, *, wait: bool, tell: Callable[[str], None]) -> int:
    """The process of a number, or the only one that runs a program of that name. With `wait` the next one that begins
    to. `UsageError` when there is none, or more than one."""
    if not text:
        raise UsageError("expected the number of a process, or the name of its program; found nothing")
    if text.isdecimal() and not wait:
        return int(text)
    if sys.platform == "linux":
        from mdmp.monitor.linux.find import find_linux, wait_linux

        return wait_linux(text, tell) if wait else _only(text, find_linux(text))
    elif sys.platform == "win32":
        from mdmp.monitor.windows.processes import find_windows, wait_windows

        return wait_windows(text, tell) if wait else _only(text, find_windows(text))
    else:
        raise UsageError(f"{text}: processes are known by their numbers only on {sys.platform}")


def _only(name: str, found: Iterable[int]) -> int:
    others = sorted(pid for pid in found if pid != os.getpid())
    if not others:
        raise UsageError(f"there is no process {name} (--wait waits for one)")
    if len(others) > 1:
        raise UsageError(f"there are several processes {name}: choose one of {', '.join(map(str, others))}")
    return others[0]
