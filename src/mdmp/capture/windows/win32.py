"""Every call of Windows, declared once; the modules that use them fill the buffers.

A call that fails raises `OSError` with `winerror` and the call's name; so does one that this system does not have
(winerror 127). Handles, addresses and results are plain integers. Names and layouts are those of the Windows SDK
(winbase.h, psapi.h, tlhelp32.h, processsnapshot.h, dbghelp.h) and, where it has none, of the documentation of the
native API (winternl.h, ntdoc.m417z.com).
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from ctypes import c_void_p
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert sys.platform == "win32"

ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5
ERROR_NO_MORE_FILES = 18
ERROR_BAD_LENGTH = 24
ERROR_INVALID_PARAMETER = 87
ERROR_INSUFFICIENT_BUFFER = 122
ERROR_PROC_NOT_FOUND = 127
ERROR_MORE_DATA = 234
ERROR_NO_MORE_ITEMS = 259
ERROR_PARTIAL_COPY = 299
TOO_SMALL = (ERROR_BAD_LENGTH, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA)
"""What calls say that want a larger buffer."""

BOOL, DWORD, HANDLE, POINTER, SIZE = ctypes.c_int32, ctypes.c_uint32, c_void_p, c_void_p, ctypes.c_size_t
LONG, ULONG64, TEXT = ctypes.c_int32, ctypes.c_uint64, ctypes.c_wchar_p
Call = Any
"""A declared function; its arguments are checked by ctypes, its result is an integer."""


def _error(name: str, code: int, detail: str = "") -> OSError:
    return ctypes.WinError(code, f"{name}: {detail or ctypes.FormatError(code).strip()}")


def _true(result: Any, call: Any, _: Any) -> int:
    """For calls that answer FALSE or NULL when they fail."""
    if not result:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _handle(result: Any, call: Any, _: Any) -> int:
    """For calls that answer INVALID_HANDLE_VALUE."""
    if result is None or result == c_void_p(-1).value:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _count(result: Any, call: Any, _: Any) -> int:
    """For calls that answer 0xFFFFFFFF."""
    if result == 0xFFFFFFFF:
        raise _error(call.__name__, ctypes.get_last_error())
    return int(result)


def _code(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an error code."""
    if result:
        raise _error(call.__name__, result)
    return 0


def _status(result: Any, call: Any, _: Any) -> int:
    """For calls that answer an NTSTATUS."""
    if result & 0x80000000:
        raise _error(call.__name__, _to_error(result), f"NTSTATUS {result:#010x}")
    return int(result)


def _hresult(result: Any, call: Any, _: Any) -> int:
    if result & 0x80000000:
        raise _error(call.__name__, result & 0xFFFF)
    return int(result)


def _plain(result: Any, call: Any, _: Any) -> int:
    """For calls that cannot fail, or say it otherwise."""
    return int(result or 0)


class _Library:
    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._dll: Any = ctypes.WinDLL(name, use_last_error=True)
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
        return call


_kernel = _Library("kernel32")
_native = _Library("ntdll")
_process_status = _Library("psapi")
_security = _Library("advapi32")
_version = _Library("version")

_to_error = _native("RtlNtStatusToDosError", _plain, DWORD, DWORD)


@contextmanager
def closing(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        CloseHandle(handle)


# Processes and threads

PROCESS_VM_READ = 0x10
PROCESS_DUP_HANDLE = 0x40
PROCESS_QUERY_INFORMATION = 0x400
PROCESS_SUSPEND_RESUME = 0x800
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
PROCESS_ALL_ACCESS = 0x1FFFFF
THREAD_SUSPEND_RESUME = 0x2
THREAD_GET_CONTEXT = 0x8
THREAD_QUERY_INFORMATION = 0x40
THREAD_QUERY_LIMITED_INFORMATION = 0x800

CloseHandle = _kernel("CloseHandle", _true, BOOL, HANDLE)
OpenProcess = _kernel("OpenProcess", _true, HANDLE, DWORD, BOOL, DWORD)
OpenThread = _kernel("OpenThread", _true, HANDLE, DWORD, BOOL, DWORD)
SuspendThread = _kernel("SuspendThread", _count, DWORD, HANDLE)
"""The count before."""
ResumeThread = _kernel("ResumeThread", _count, DWORD, HANDLE)
"""The count before."""

# What the debug loop needs

DEBUG_PROCESS = 0x1
DEBUG_ONLY_THIS_PROCESS = 0x2
DBG_CONTINUE = 0x00010002
DBG_EXCEPTION_NOT_HANDLED = 0x80010001
ERROR_SEM_TIMEOUT = 121
INFINITE = 0xFFFFFFFF


class STARTUPINFOW(ctypes.Structure):
    _fields_ = (
        ("cb", DWORD),
        ("lpReserved", TEXT),
        ("lpDesktop", TEXT),
        ("lpTitle", TEXT),
        *((name, DWORD) for name in ("dwX", "dwY", "dwXSize", "dwYSize", "dwXCountChars", "dwYCountChars")),
        ("dwFillAttribute", DWORD),
        ("dwFlags", DWORD),
        ("wShowWindow", ctypes.c_uint16),
        ("cbReserved2", ctypes.c_uint16),
        ("lpReserved2", POINTER),
        ("hStdInput", HANDLE),
        ("hStdOutput", HANDLE),
        ("hStdError", HANDLE),
    )


class PROCESS_INFORMATION(ctypes.Structure):
    _fields_ = (("hProcess", HANDLE), ("hThread", HANDLE), ("dwProcessId", DWORD), ("dwThreadId", DWORD))


STARTF_USESTDHANDLES = 0x100
STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE = 0xFFFFFFF6, 0xFFFFFFF5, 0xFFFFFFF4
GetStdHandle = _kernel("GetStdHandle", _plain, HANDLE, DWORD)
CreateProcessW = _kernel(
    *("CreateProcessW", _true, BOOL, TEXT, TEXT, POINTER, POINTER, BOOL, DWORD, POINTER, TEXT),
    *(ctypes.POINTER(STARTUPINFOW), ctypes.POINTER(PROCESS_INFORMATION)),
)
_WaitForDebugEvent = _kernel("WaitForDebugEvent", _true, BOOL, POINTER, DWORD)
_WaitForDebugEventEx = _kernel("WaitForDebugEventEx", _true, BOOL, POINTER, DWORD)
ContinueDebugEvent = _kernel("ContinueDebugEvent", _true, BOOL, DWORD, DWORD, DWORD)
DebugActiveProcess = _kernel("DebugActiveProcess", _true, BOOL, DWORD)
DebugActiveProcessStop = _kernel("DebugActiveProcessStop", _true, BOOL, DWORD)
DebugSetProcessKillOnExit = _kernel("DebugSetProcessKillOnExit", _true, BOOL, BOOL)
ReadProcessMemory = _kernel("ReadProcessMemory", _true, BOOL, HANDLE, POINTER, POINTER, SIZE, ctypes.POINTER(SIZE))
GetThreadContext = _kernel("GetThreadContext", _true, BOOL, HANDLE, POINTER)
Wow64GetThreadContext = _kernel("Wow64GetThreadContext", _true, BOOL, HANDLE, POINTER)
IsWow64Process = _kernel("IsWow64Process", _true, BOOL, HANDLE, ctypes.POINTER(BOOL))
QueryFullProcessImageNameW = _kernel(
    "QueryFullProcessImageNameW", _true, BOOL, HANDLE, DWORD, POINTER, ctypes.POINTER(DWORD)
)
WriteProcessMemory = _kernel(
    "WriteProcessMemory", _true, BOOL, HANDLE, POINTER, ctypes.c_char_p, SIZE, ctypes.POINTER(SIZE)
)
FlushInstructionCache = _kernel("FlushInstructionCache", _true, BOOL, HANDLE, POINTER, SIZE)
SetThreadContext = _kernel("SetThreadContext", _true, BOOL, HANDLE, POINTER)
Wow64SetThreadContext = _kernel("Wow64SetThreadContext", _true, BOOL, HANDLE, POINTER)
TerminateProcess = _kernel("TerminateProcess", _true, BOOL, HANDLE, DWORD)
GetExitCodeProcess = _kernel("GetExitCodeProcess", _true, BOOL, HANDLE, ctypes.POINTER(DWORD))


def wait_for_debug_event(milliseconds: int, size: int) -> bytes | None:
    """The next DEBUG_EVENT of the processes that the calling thread debugs; None when none came in time.

    `size`: bytes of the largest one. Texts of OutputDebugStringW come whole where the system can (Windows 10).
    """
    buffer = ctypes.create_string_buffer(size)
    try:
        try:
            _WaitForDebugEventEx(ctypes.addressof(buffer), milliseconds)
        except OSError as problem:
            if problem.winerror != ERROR_PROC_NOT_FOUND:
                raise
            _WaitForDebugEvent(ctypes.addressof(buffer), milliseconds)
    except OSError as problem:
        if problem.winerror == ERROR_SEM_TIMEOUT:
            return None
        raise
    return buffer.raw


# What samples of a process need

SMTO_ABORTIFHUNG = 0x2
WM_NULL = 0
WNDENUMPROC = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)(BOOL, HANDLE, POINTER)
_windows = _Library("user32")
EnumWindows = _windows("EnumWindows", _true, BOOL, WNDENUMPROC, POINTER)
GetWindowThreadProcessId = _windows("GetWindowThreadProcessId", _plain, DWORD, HANDLE, ctypes.POINTER(DWORD))
IsWindowVisible = _windows("IsWindowVisible", _plain, BOOL, HANDLE)
IsHungAppWindow = _windows("IsHungAppWindow", _plain, BOOL, HANDLE)
SendMessageTimeoutW = _windows(
    *("SendMessageTimeoutW", _plain, SIZE, HANDLE, ctypes.c_uint32, SIZE, SIZE, ctypes.c_uint32, ctypes.c_uint32),
    ctypes.POINTER(SIZE),
)

# What the event log needs
