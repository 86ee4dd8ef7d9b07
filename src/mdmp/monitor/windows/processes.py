"""The processes that there are."""

from __future__ import annotations

import ctypes
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.threads import filetimes

PAUSE = 0.05
"""Seconds between two looks for a process that is waited for."""
_LONGEST_PATH = 32768
_DEBUG_PORT = 7
"""ProcessDebugPort"""


class Process(NamedTuple):
    pid: int
    path: str
    """Of the executable; only its name where we may not ask for more."""
    start: int
    """100 ns units since 1601; 0 where we may not ask."""


def _find(name: str) -> list[Process]:
    wanted = name.lower().replace("/", "\\")
    file = wanted.rpartition("\\")[2]
    found = [
        _look_closer(entry.th32ProcessID, entry.szExeFile)
        for entry in _entries()
        if entry.szExeFile.lower() in (file, f"{file}.exe")
    ]
    return found if file == wanted else [process for process in found if process.path.lower() == wanted]


def find_windows(name: str) -> list[int]:
    """By the path of their executable, or by its file name with or without `.exe`; without regard to case."""
    return [process.pid for process in _find(name)]


def wait_windows(name: str, tell: Callable[[str], None]) -> int:
    """The next process of that name that starts."""
    before = set(_find(name))
    tell(f"waiting for a process {name}")
    while True:
        for process in _find(name):
            if process not in before:
                return process.pid
        time.sleep(PAUSE)


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


def has_debugger(pid: int) -> bool:
    """`OSError` where we may not ask."""
    port = ctypes.c_size_t()
    with win32.closing(win32.OpenProcess(win32.PROCESS_QUERY_INFORMATION, False, pid)) as process:
        win32.NtQueryInformationProcess(process, _DEBUG_PORT, ctypes.byref(port), ctypes.sizeof(port), None)
    return port.value != 0


def _entries() -> Iterator[win32.PROCESSENTRY32W]:
    with win32.closing(win32.CreateToolhelp32Snapshot(win32.TH32CS_SNAPPROCESS, 0)) as snapshot:
        entry = win32.PROCESSENTRY32W(dwSize=ctypes.sizeof(win32.PROCESSENTRY32W))
        with suppress(OSError):  # the last one was told
            win32.Process32FirstW(snapshot, ctypes.byref(entry))
            while True:
                yield entry
                win32.Process32NextW(snapshot, ctypes.byref(entry))


def _look_closer(pid: int, file: str) -> Process:
    try:
        with win32.closing(win32.OpenProcess(win32.PROCESS_QUERY_LIMITED_INFORMATION, False, pid)) as process:
            return Process(pid, image_path(process) or file, filetimes(win32.GetProcessTimes, process)[0])
    except OSError:
        return Process(pid, file, 0)
