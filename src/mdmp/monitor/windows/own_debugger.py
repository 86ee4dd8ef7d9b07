"""What a program calls that has a debugger. Not in `win32.py`, which loads libraries that a program may not want."""

from __future__ import annotations

import ctypes
import sys

assert sys.platform == "win32"

_kernel = ctypes.WinDLL("kernel32")
_kernel.OutputDebugStringA.argtypes = (ctypes.c_char_p,)
_kernel.OutputDebugStringA.restype = None
_kernel.IsDebuggerPresent.restype = ctypes.c_int32


def tell_debugger(text: str) -> None:
    """ASCII only. The program stands still until the debugger lets it go on."""
    _kernel.OutputDebugStringA(text.encode("ascii"))


def has_debugger() -> bool:
    return bool(_kernel.IsDebuggerPresent())
