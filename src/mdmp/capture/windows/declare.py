"""How a call of Windows is declared, and how each kind of answer tells that it failed.

Every check raises `OSError` with `winerror` and the call's name.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

assert sys.platform == "win32"

ERROR_PROC_NOT_FOUND = 127
Call: TypeAlias = "Callable[..., int]"
"""A declared function, whose arguments ctypes checks."""


def _error(name: str, code: int, detail: str = "") -> OSError:
    return ctypes.WinError(code, f"{name}: {detail or ctypes.FormatError(code).strip()}")


def true(result: Any, call: Any, _: Any) -> int:
    """For calls that answer FALSE or NULL when they fail."""
    if not result:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def handle(result: Any, call: Any, _: Any) -> int:
    """For calls that answer INVALID_HANDLE_VALUE."""
    if result is None or result == c_void_p(-1).value:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def count(result: Any, call: Any, _: Any) -> int:
    """For calls that answer 0xFFFFFFFF."""
    if result == 0xFFFFFFFF:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def code(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an error code."""
    if result:
        raise _error(call.__name__, result)
    return 0


def status(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an NTSTATUS."""
    if result & 0x80000000:
        raise _error(call.__name__, _to_error(result), f"NTSTATUS {result:#010x}")
    return int(result)


def hresult(result: Any, call: Any, _: Any) -> int:
    if result & 0x80000000:
        raise _error(call.__name__, result & 0xFFFF)
    return int(result)


def plain(result: Any, call: Any, _: Any) -> int:
    """For calls that cannot fail, or say it otherwise."""
    return int(result or 0)


_LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800
"""Not beside the program: whoever can write there should not run with the rights of an administrator's mdmp."""


class Library:
    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._dll: Any = ctypes.WinDLL(name, use_last_error=True, winmode=_LOAD_LIBRARY_SEARCH_SYSTEM32)
        except OSError:
            self._dll = None

    def __call__(self, name: str, check: Callable[..., int], result: Any, *arguments: Any) -> Call:
        try:
            call = getattr(self._dll, name)
        except AttributeError:  # no such function, or no such library

            def missing(*_: Any) -> int:
                raise _error(name, ERROR_PROC_NOT_FOUND, "this system does not have it")

            return missing
        call.restype, call.argtypes, call.errcheck = result, arguments, check
        declared: Call = call
        return declared


_to_error = Library("ntdll")("RtlNtStatusToDosError", plain, ctypes.c_uint32, ctypes.c_uint32)
