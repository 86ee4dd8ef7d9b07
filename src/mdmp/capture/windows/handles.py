"""Open handles with their types and names -> `Handle`."""

from __future__ import annotations

import ctypes
import sys
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from mdmp.snapshot import Handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert sys.platform == "win32"

from mdmp.capture.windows import win32

MAX_HANDLES = 1 << 16
_MAX_TABLE = 1 << 28
_WORD = ctypes.sizeof(ctypes.c_void_p)
_POINTER = "Q" if _WORD == 8 else "I"
_OWN_ENTRY = Struct(f"<{_POINTER}{_POINTER}{_POINTER}IIII")
"""PROCESS_HANDLE_TABLE_ENTRY_INFO: handle, count of handles, of pointers, access, type, attributes."""
_SYSTEM_ENTRY = Struct(f"<{_POINTER}{_POINTER}{_POINTER}IHHII")
"""SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX: object, process, handle, access, back trace, type, attributes."""
_UNICODE_STRING = Struct(f"@H2x{_POINTER}")
"""Bytes of the text; where it lies."""
_WITHOUT_NAME = frozenset(
    ("File", "EtwRegistration", "WaitCompletionPacket", "IRTimer", "IoCompletion", "TpWorkerFactory")
)
"""The name of a file or pipe that somebody is busy with comes when he is done, which may be never; the others have
none."""


class _Entry(NamedTuple):
    value: int
    access: int
    type_index: int
    attributes: int


def read_handles(process: int, pid: int) -> tuple[Handle, ...]:
    """`OSError` when the system does not tell."""
    types: dict[int, str | None] = {}
    return tuple(_handle(process, entry, types) for entry in _entries(process, pid))


def _entries(process: int, pid: int) -> list[_Entry]:
    try:
        table = _grown(
            lambda buffer, size, needed: win32.NtQueryInformationProcess(
                process, win32.PROCESS_HANDLES, buffer, size, needed
            )
        )
    except OSError:  # before Windows 8
        table = _grown(
            lambda buffer, size, needed: win32.NtQuerySystemInformation(
                win32.SYSTEM_EXTENDED_HANDLES, buffer, size, needed
            )
        )
        rows = _rows(_SYSTEM_ENTRY, table.raw)
        found = (_Entry(row[2], row[3], row[5], row[6]) for row in rows if row[1] == pid)
    else:
        found = (_Entry(row[0], row[3], row[4], row[5]) for row in _rows(_OWN_ENTRY, table.raw))
    return sorted(found)[:MAX_HANDLES]


def _rows(layout: Struct, table: bytes) -> Iterator[tuple[int, ...]]:
    """Behind a count and a spare word."""
    count = int.from_bytes(table[:_WORD], "little")
    rows = table[2 * _WORD : 2 * _WORD + count * layout.size]
    return layout.iter_unpack(rows[: len(rows) // layout.size * layout.size])


def _grown(call: Callable[[object, int, object], int]) -> ctypes.Array[ctypes.c_char]:
    """What a call says that wants a buffer of a size that nobody knows before."""
    size, needed = 1 << 16, ctypes.c_uint32()
    while True:
        buffer = ctypes.create_string_buffer(size)
        try:
            call(buffer, size, ctypes.byref(needed))
        except OSError as problem:
            if problem.winerror not in win32.TOO_SMALL or size >= _MAX_TABLE:
                raise
            size = max(2 * size, min(needed.value + (1 << 14), _MAX_TABLE))
        else:
            return buffer


def _handle(process: int, entry: _Entry, types: dict[int, str | None]) -> Handle:
    """A twin of the handle in our own process answers; where none can be had, only the table's numbers are known."""
    twin = ctypes.c_void_p()
    plain = Handle(
        entry.value,
        types.get(entry.type_index),
        attributes=entry.attributes,
        granted_access=entry.access,
    )
    own = win32.GetCurrentProcess()
    try:
        win32.DuplicateHandle(process, entry.value, own, ctypes.byref(twin), 0, False, 0)
    except OSError:
        return plain
    with win32.closing(twin.value or 0) as handle:
        if types.get(entry.type_index) is None:
            types[entry.type_index] = _text(handle, win32.OBJECT_TYPE)
        kind = types[entry.type_index]
        handles, pointers = _counts(handle)
        return Handle(
            entry.value,
            kind,
            None if kind in _WITHOUT_NAME else _text(handle, win32.OBJECT_NAME),
            entry.attributes,
            entry.access,
            handles,
            pointers,
        )


def _text(handle: int, what: int) -> str | None:
    """Both answers begin with a UNICODE_STRING."""
    try:
        answer = _grown(lambda buffer, size, needed: win32.NtQueryObject(handle, what, buffer, size, needed))
    except OSError:
        return None
    size, text = _UNICODE_STRING.unpack_from(answer)
    return ctypes.wstring_at(text, size // 2) if text and size else None


def _counts(handle: int) -> tuple[int | None, int | None]:
    """Of handles and pointers to the object, without our twin."""
    info = ctypes.create_string_buffer(56)
    try:
        win32.NtQueryObject(handle, win32.OBJECT_BASIC, info, len(info), None)
    except OSError:
        return None, None
    handles, pointers = Struct("<8xII").unpack_from(info.raw)
    return max(handles - 1, 0), max(pointers - 1, 0)
