"""A process opened for us, or why it is not, in plain words."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.win32 import closing

ACCESS = (
    win32.PROCESS_VM_READ | win32.PROCESS_QUERY_INFORMATION | win32.PROCESS_DUP_HANDLE | win32.PROCESS_SUSPEND_RESUME
)
COPY_ACCESS = win32.PROCESS_CREATE_PROCESS | win32.PROCESS_VM_OPERATION
"""What a copy of the process needs besides."""
MAX_PID = 0xFFFFFFFF


@contextmanager
def opened(pid: int) -> Iterator[int]:
    """A handle of the process, with `ACCESS` and, where we get it, `COPY_ACCESS`. `UsageError` when we get none.

    If that takes SeDebugPrivilege, we have it until the end of the `with`: without it, the threads of such a process
    and its token would not be opened either.
    """
    if pid == os.getpid():
        raise UsageError("a process cannot capture itself")
    if not 0 < pid <= MAX_PID:
        raise UsageError(f"there is no process {pid}")
    with ExitStack() as privilege, closing(_open(pid, privilege)) as process:
        if has_ended(process):
            raise UsageError(f"process {pid} has ended")
        if ctypes.sizeof(ctypes.c_void_p) == 4 and _is_wide(process):
            raise UsageError(f"process {pid} is a 64-bit program, and this Python is a 32-bit one: use a 64-bit Python")
        yield process


def _open(pid: int, privilege: ExitStack) -> int:
    try:
        return win32.OpenProcess(ACCESS | COPY_ACCESS, False, pid)
    except OSError as refused:
        problem = refused
    if problem.winerror == win32.ERROR_ACCESS_DENIED:
        with suppress(OSError):
            privilege.enter_context(debug_privilege())
    for access in (ACCESS | COPY_ACCESS, ACCESS):
        with suppress(OSError):
            return win32.OpenProcess(access, False, pid)
    raise UsageError(_refusal(pid, problem))


@contextmanager
def debug_privilege() -> Iterator[None]:
    """For its time we may open the processes of other users, their threads and tokens, if we are an administrator.
    `OSError` if not."""
    token = ctypes.c_void_p()
    win32.OpenProcessToken(
        win32.GetCurrentProcess(), win32.TOKEN_QUERY | win32.TOKEN_ADJUST_PRIVILEGES, ctypes.byref(token)
    )
    with closing(token.value or 0) as handle:
        wanted, before = win32.TOKEN_PRIVILEGES(1, 0, win32.SE_PRIVILEGE_ENABLED), win32.TOKEN_PRIVILEGES()
        luid, size = ctypes.c_uint64(), ctypes.c_uint32()
        win32.LookupPrivilegeValue(None, "SeDebugPrivilege", ctypes.byref(luid))
        wanted.Luid = luid.value
        ctypes.set_last_error(0)
        win32.AdjustTokenPrivileges(
            handle, False, ctypes.byref(wanted), ctypes.sizeof(before), ctypes.byref(before), ctypes.byref(size)
        )
        if ctypes.get_last_error() == win32.ERROR_NOT_ALL_ASSIGNED:
            raise ctypes.WinError(win32.ERROR_NOT_ALL_ASSIGNED)
        try:
            yield
        finally:
            win32.AdjustTokenPrivileges(handle, False, ctypes.byref(before), 0, None, None)


def _refusal(pid: int, problem: OSError) -> str:
    if problem.winerror == win32.ERROR_INVALID_PARAMETER:
        return f"there is no process {pid}"
    if problem.winerror != win32.ERROR_ACCESS_DENIED:
        return f"process {pid} cannot be opened: {problem.strerror}"
    reason = "it belongs to another user or has more rights than we: run mdmp as administrator"
    with suppress(OSError), closing(win32.OpenProcess(win32.PROCESS_QUERY_LIMITED_INFORMATION, False, pid)) as process:
        if is_protected(process):
            reason = "Windows protects it (as it does security software and its own services): nobody may read it"
    return f"not permitted to open process {pid}: {reason}"


def has_ended(process: int) -> bool:
    code = ctypes.c_uint32()
    win32.GetExitCodeProcess(process, ctypes.byref(code))
    return code.value != win32.STILL_ACTIVE


def is_protected(process: int) -> bool:
    level = ctypes.c_uint8()
    win32.NtQueryInformationProcess(process, win32.PROCESS_PROTECTION, ctypes.byref(level), 1, None)
    return level.value != 0


def _is_wide(process: int) -> bool:
    from mdmp.capture.windows.system import cpu_of

    return cpu_of(process)[0] in ("amd64", "arm64")
