"""Waiting for what happens to the processes that this thread debugs."""

from __future__ import annotations

import ctypes
import sys

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.declare import ERROR_PROC_NOT_FOUND


def next_event(milliseconds: int, size: int) -> bytes | None:
    """The next DEBUG_EVENT; None when none came in time.

    `size`: bytes of the largest one. Texts of OutputDebugStringW come whole where the system can (Windows 10).
    """
    buffer = ctypes.create_string_buffer(size)
    try:
        try:
            win32.WaitForDebugEventEx(ctypes.addressof(buffer), milliseconds)
        except OSError as problem:
            if problem.winerror != ERROR_PROC_NOT_FOUND:
                raise
            win32.WaitForDebugEvent(ctypes.addressof(buffer), milliseconds)
    except OSError as problem:
        if problem.winerror == win32.ERROR_SEM_TIMEOUT:
            return None
        raise
    return buffer.raw
