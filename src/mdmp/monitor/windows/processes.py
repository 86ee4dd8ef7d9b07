"""The processes that there are."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform == "win32"

from mdmp.capture.windows import win32

_EPOCH = 11_644_473_600
"""Seconds from 1601, where FILETIME begins, to 1970."""
_LONGEST_PATH = 32768


class Process(NamedTuple):
    pid: int
    path: str
    """Of the executable; only its name where we may not ask for more."""
    start: float
    """Seconds since 1970; 0 where we may not ask."""


def find_processes(name: str) -> list[Process]:
    """By the file name of their executable, with or without `.exe`, `*` for any text; without regard to case."""
    wanted = name.lower()
    found = []
    for entry in _entries():
        file = entry.szExeFile.lower()
        if fnmatchcase(file, wanted) or fnmatchcase(file.removesuffix(".exe"), wanted):
            found.append(_look_closer(entry.th32ProcessID, entry.szExeFile))
    return found


def thread_count(pid: int) -> int | None:
    """None: there is no such process."""
    return next((entry.cntThreads for entry in _entries() if entry.th32ProcessID == pid), None)


def image_path(process: int) -> str:
    """The path of the executable, by a handle; empty where we may not ask."""
    size = win32.DWORD(_LONGEST_PATH)
    buffer = ctypes.create_unicode_buffer(_LONGEST_PATH)
    with suppress(OSError):
        win32.QueryFullProcessImageNameW(process, 0, ctypes.addressof(buffer), ctypes.byref(size))
    return buffer.value


def _entries() -> Iterator[win32.PROCESSENTRY32W]:
    with win32.closing(win32.CreateToolhelp32Snapshot(win32.TH32CS_SNAPPROCESS, 0)) as snapshot:
        entry = win32.PROCESSENTRY32W(dwSize=ctypes.sizeof(win32.PROCESSENTRY32W))
        with suppress(OSError):  # the last one was told
            win32.Process32FirstW(snapshot, ctypes.byref(entry))
            while True:
                yield entry
                win32.Process32NextW(snapshot, ctypes.byref(entry))


def _look_closer(pid: int, file: str) -> Process:
    times = (win32.ULONG64 * 4)()
    start = ctypes.addressof(times)
    try:
        with win32.closing(win32.OpenProcess(win32.PROCESS_QUERY_LIMITED_INFORMATION, False, pid)) as process:
            win32.GetProcessTimes(process, start, start + 8, start + 16, start + 24)
            return Process(pid, image_path(process) or file, times[0] / 10_000_000 - _EPOCH)
    except OSError:
        return Process(pid, file, 0.0)
