"""Programs watched from their start, and processes watched from now on; the same on each system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions


def run(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    """Starts a program as our child, with our terminal, files and signals, and watches it to its end.

    Returns its exit status as a shell gives it (Linux: 128 + signal; Windows: the 32-bit code). `tell` hears, in a line
    each, what a user wants to know meanwhile. `UsageError` when the program cannot be started, and why.
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
