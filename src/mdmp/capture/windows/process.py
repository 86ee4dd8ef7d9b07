"""The process as a whole -> `Process`."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mdmp.platforms.vm_counters import VM_COUNTERS
from mdmp.snapshot import Process
from mdmp.snapshot.secrets import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mdmp.capture.options import CaptureOptions
    from mdmp.errors import IssueLog
    from mdmp.snapshot import MemoryReader
    from mdmp.snapshot.secrets import Offsets

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.permission import is_protected
from mdmp.capture.windows.system import build_text
from mdmp.capture.windows.threads import times
from mdmp.capture.windows.win32 import closing

_DAYLIGHT = 2
_MAX_TEXT = 1 << 20


def read_process(process: int, pid: int) -> Process:
    facts: dict[str, Any] = {}

    def ask(name: str, question: Callable[[int], Any]) -> None:
        with suppress(OSError):
            facts[name] = question(process)

    with suppress(OSError):
        facts["create_time"], _, facts["kernel_time"], facts["user_time"] = times(win32.GetProcessTimes, process)
    ask("integrity_level", _integrity_level)
    ask("execute_flags", _execute_flags)
    ask("protected", is_protected)
    ask("time_zone", lambda _: _time_zone())
    return Process(pid=pid, build=build_text(), vm_counters=_counters(process), **facts)


def read_secrets(
    process: int, cpu: str, emulated: bool, memory: MemoryReader, options: CaptureOptions, issues: IssueLog
) -> tuple[str | None, dict[str, bytes]]:
    """The command line, and texts by the names of `Annotations.texts`, as far as they are asked for."""
    if not (options.command_line or options.environment):
        return None, {}
    try:
        parameters = _Parameters(process, WINDOWS[cpu], emulated, memory)
    except OSError as problem:
        issues.add("process", f"command line and environment are not known: {problem.strerror}")
        return None, {}
    texts = {"environ": parameters.environment.encode("utf-8", "replace")} if options.environment else {}
    return parameters.command_line if options.command_line else None, texts


def _number(process: int, what: int, value: ctypes.c_uint32 | ctypes.c_size_t) -> int:
    win32.NtQueryInformationProcess(process, what, ctypes.byref(value), ctypes.sizeof(value), None)
    return value.value


def _execute_flags(process: int) -> int:
    return _number(process, win32.PROCESS_EXECUTE_FLAGS, ctypes.c_uint32())


def _integrity_level(process: int) -> int:
    token = ctypes.c_void_p()
    win32.OpenProcessToken(process, win32.TOKEN_QUERY, ctypes.byref(token))
    with closing(token.value or 0) as handle:
        buffer = ctypes.create_string_buffer(256)
        needed = ctypes.c_uint32()
        win32.GetTokenInformation(handle, win32.TOKEN_INTEGRITY_LEVEL, buffer, len(buffer), ctypes.byref(needed))
        sid = ctypes.c_void_p.from_buffer(buffer).value or 0
        count = ctypes.string_at(win32.GetSidSubAuthorityCount(sid), 1)[0]
        # SID: revision, count, six bytes of authority, then the sub-authorities; the level is the last of them.
        return int.from_bytes(ctypes.string_at(sid + 8 + 4 * (count - 1), 4), "little") if count else 0


class _Parameters:
    """RTL_USER_PROCESS_PARAMETERS, which the program was started with; of its own width."""

    def __init__(self, process: int, offsets: Offsets, emulated: bool, memory: MemoryReader) -> None:
        """`OSError` where they cannot be found."""
        self._memory = memory
        self._offsets = offsets
        peb = _number(process, win32.PROCESS_WOW64, ctypes.c_size_t()) if emulated else _peb(process)
        start = memory.word(peb + offsets.parameters, offsets.word)
        if not start:
            raise OSError(0, "its parameters cannot be read")
        self._start = start

    def _word(self, offset: int) -> int:
        return self._memory.word(self._start + offset, self._offsets.word) or 0

    @property
    def command_line(self) -> str:
        at, word = self._offsets.command_line, self._offsets.word
        size = self._memory.word(self._start + at, 2) or 0
        return self._memory.read_some(self._word(at + word), size).decode("utf-16-le", "replace")

    @property
    def environment(self) -> str:
        """`NAME=value`, a NUL behind each."""
        size = min(self._word(self._offsets.environment_size), _MAX_TEXT)
        text = self._memory.read_some(self._word(self._offsets.environment), size).decode("utf-16-le", "replace")
        return text.split("\0\0", 1)[0] + "\0"


def _peb(process: int) -> int:
    info = win32.PROCESS_BASIC_INFORMATION()
    win32.NtQueryInformationProcess(process, win32.PROCESS_BASIC, ctypes.byref(info), ctypes.sizeof(info), None)
    return info.PebBaseAddress or 0


def _counters(process: int) -> Mapping[str, int]:
    found: dict[str, int] = {}
    usage, sizes = win32.PROCESS_MEMORY_COUNTERS_EX(), win32.VM_COUNTERS()
    with suppress(OSError):
        win32.NtQueryInformationProcess(
            process, win32.PROCESS_VM_COUNTERS, ctypes.byref(sizes), ctypes.sizeof(sizes), None
        )
        found |= _named(sizes)
    with suppress(OSError):
        win32.GetProcessMemoryInfo(process, ctypes.byref(usage), ctypes.sizeof(usage))
        found |= _named(usage)
    return found


def _named(structure: ctypes.Structure) -> dict[str, int]:
    return {plain: getattr(structure, name) for name, plain in VM_COUNTERS.items() if hasattr(structure, name)}


def _time_zone() -> str:
    """`UTC+01:00 (Romance Standard Time)`"""
    info = win32.TIME_ZONE_INFORMATION()
    daylight = win32.GetTimeZoneInformation(ctypes.byref(info)) == _DAYLIGHT
    minutes = -(info.Bias + (info.DaylightBias if daylight else info.StandardBias))
    name = info.DaylightName if daylight else info.StandardName
    text = f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return f"{text} ({name})" if name else text
