"""Windows' own writer of minidumps, for comparison with ours and for those who want it."""

from __future__ import annotations

import ctypes
import sys
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mdmp.snapshot import ExceptionRecord

assert sys.platform == "win32"

import msvcrt

from mdmp.capture.windows import win32
from mdmp.capture.windows.contexts import FLAGS, ContextReader
from mdmp.capture.windows.system import cpu_of
from mdmp.capture.windows.win32 import closing

_MAX_PARAMETERS = 15


def write_minidump(process: int, pid: int, file: int, flags: int, exception: ExceptionRecord | None = None) -> None:
    """`file`: the number of an open file; `flags`: MINIDUMP_TYPE bits. Raises `OSError`.

    `exception` is that of a process that stands still at it (for a debugger), of our own width.
    """
    told = None if exception is None or exception.tid is None else _told(process, exception.tid, exception)
    pointer = ctypes.byref(told.information) if told else None
    win32.MiniDumpWriteDump(process, pid, msvcrt.get_osfhandle(file), flags, pointer, None, None)


class _Told:
    """MINIDUMP_EXCEPTION_INFORMATION, and what it points to in our own memory."""

    def __init__(self, tid: int, record: bytes, thread: int, contexts: ContextReader) -> None:
        self._contexts = contexts
        context = contexts.fill(thread)
        self._record = ctypes.create_string_buffer(record, len(record))
        self._pointers = (ctypes.c_void_p * 2)(ctypes.addressof(self._record), context)
        self.information = win32.MINIDUMP_EXCEPTION_INFORMATION(tid, ctypes.addressof(self._pointers), False)


def _told(process: int, tid: int, exception: ExceptionRecord) -> _Told | None:
    cpu, emulated = cpu_of(process)
    if cpu not in FLAGS or emulated:
        return None
    with closing(win32.OpenThread(win32.THREAD_GET_CONTEXT | win32.THREAD_QUERY_INFORMATION, False, tid)) as thread:
        return _Told(tid, _record(exception), thread, ContextReader(cpu, emulated))


def _record(exception: ExceptionRecord) -> bytes:
    """EXCEPTION_RECORD"""
    parameters = exception.parameters[:_MAX_PARAMETERS]
    words = (*parameters, *[0] * (_MAX_PARAMETERS - len(parameters)))
    wide = ctypes.sizeof(ctypes.c_void_p) == 8
    head = (exception.code, exception.flags, exception.nested, exception.address or 0, len(parameters))
    return pack("<IIQQI4x15Q" if wide else "<IIIII15I", *head, *words)
