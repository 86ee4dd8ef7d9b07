"""Windows' post-mortem debugger: what the system starts for a process that nobody else helps.

The process waits in its own unhandled exception filter until an event is signalled; then the exception is raised once
more, for the debugger that is attached by now.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.windows.debugger import Debugger

if TYPE_CHECKING:
    from mdmp.monitor.keeper import Keeper

PATIENCE = 20.0
"""Seconds in which the exception has to come. After that the process is let go."""


def handle(pid: int, event: int, jit: int, keeper: Keeper) -> None:
    """Deals with one crash. `event` is a handle that we have inherited (0: none), `jit` the address of a JIT_DEBUG_INFO
    in the process, or nonsense. `UsageError` when the process cannot be debugged."""
    debugger = Debugger(keeper, MonitorOptions(), lambda _: None, "postmortem")
    try:
        debugger.attach(pid)
    finally:
        if event:
            with suppress(OSError):  # whatever happens here: the process waits for it
                win32.SetEvent(event)
                win32.CloseHandle(event)
    debugger.watch(time.monotonic() + PATIENCE, jit)
