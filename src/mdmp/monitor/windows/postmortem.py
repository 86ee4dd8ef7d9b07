"""Windows' post-mortem debugger: what the system starts for a process that nobody else helps.

The process waits in its own unhandled exception filter until an event is signalled; then the exception is raised once
more, for the debugger that is attached by now.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.keeper import Keeper
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.policy.load import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.permission import opened
from mdmp.monitor.windows.debugger import Debugger
from mdmp.monitor.windows.event_log import report_event

PATIENCE = 20.0
"""Seconds in which the exception has to come. After that the process is let go."""
_WARNING = 4
"""The severity, as syslog counts."""


def handle(pid: int, event: int, jit: int, report: Callable[[str], str] | None = None) -> None:
    """Deals with one crash. `event` is a handle that we have inherited (0: none), `jit` the address of a JIT_DEBUG_INFO
    in the process, or nonsense. `UsageError` when the process cannot be debugged."""
    try:
        _complete_environment(pid)
        debugger = Debugger(Keeper(load_policy(), report=report), MonitorOptions(), lambda _: None, "postmortem")
        debugger.attach(pid)
    except UsageError as problem:
        with suppress(OSError):  # the log is the only place where anybody will look
            report_event(f"no dump of a crash: {problem}", {"pid": pid}, _WARNING)
        raise
    finally:
        if event:
            with suppress(OSError):  # whatever happens here: the process waits for it
                win32.SetEvent(event)
                win32.CloseHandle(event)
    debugger.watch(time.monotonic() + PATIENCE, jit)


def _complete_environment(pid: int) -> None:
    """What starts us may not give us the variables that name the user's folders."""
    with suppress(OSError, UsageError), opened(pid) as process:
        for name, value in _environment_of_user(process).items():
            os.environ.setdefault(name, value)


def _environment_of_user(process: int) -> dict[str, str]:
    """The variables that a new session of the user would have whose process it is."""
    token, block = win32.HANDLE(), win32.POINTER()
    win32.OpenProcessToken(process, win32.TOKEN_QUERY | win32.TOKEN_DUPLICATE, ctypes.byref(token))
    with win32.closing(token.value or 0):
        win32.CreateEnvironmentBlock(ctypes.byref(block), token, False)
    try:
        found, at = {}, block.value or 0
        while entry := ctypes.wstring_at(at):
            name, _, value = entry[1:].partition("=")
            found[entry[0] + name] = value
            at += (len(entry) + 1) * ctypes.sizeof(ctypes.c_wchar)
        return found
    finally:
        win32.DestroyEnvironmentBlock(block)
