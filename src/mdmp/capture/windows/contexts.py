"""The registers of a thread that stands still."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.minidump.contexts.choose import decode_context
from mdmp.snapshot import Context

assert sys.platform == "win32"

from mdmp.capture.windows import win32


class _Layout(NamedTuple):
    flags: int
    """CONTEXT_ALL"""
    flags_at: int
    size: int


_LAYOUTS = {
    "x86": _Layout(0x1003F, 0, 716),
    "amd64": _Layout(0x10001F, 0x30, 1232),
    "arm": _Layout(0x20000F, 0, 416),
    "arm64": _Layout(0x40001F, 0, 912),
}
FLAGS = {cpu: layout.flags for cpu, layout in _LAYOUTS.items()}
_ALIGNMENT = 64
_XSTATE = 0x40
_MAX_XSTATE = 1 << 16
_LEGACY = 3
"""Of the features of XSAVE, those that are in every CONTEXT: x87 and SSE."""


class ContextReader:
    """Reads contexts by way of one buffer."""

    def __init__(self, cpu: str, emulated: bool) -> None:
        """`emulated`: a 32-bit program on a 64-bit system, seen from a 64-bit process."""
        self.cpu = cpu
        self._layout = _LAYOUTS[cpu]
        self._call = win32.Wow64GetThreadContext if emulated else win32.GetThreadContext
        self._size, self._place = self._layout.size, 0
        self._buffer = ctypes.create_string_buffer(self._size + _ALIGNMENT)
        self._flags, self._features = self._layout.flags, 0
        if cpu == "amd64":
            with suppress(OSError):
                self._with_xstate()
        if not self._place:
            self._place = -(-ctypes.addressof(self._buffer) // _ALIGNMENT) * _ALIGNMENT

    def _with_xstate(self) -> None:
        """Room for AVX and what came later, where the processor and the system have it."""
        features = win32.GetEnabledXStateFeatures() & ~_LEGACY
        if not features:
            return
        flags = self._layout.flags | _XSTATE
        size = ctypes.c_uint32()
        with suppress(OSError):  # it says how much it needs
            win32.InitializeContext(None, flags, None, ctypes.byref(size))
        if not self._size < size.value < _MAX_XSTATE:
            return
        buffer = ctypes.create_string_buffer(size.value)
        place = ctypes.c_void_p()
        win32.InitializeContext(buffer, flags, ctypes.byref(place), ctypes.byref(size))
        win32.SetXStateFeaturesMask(place, features)
        if place.value:
            self._buffer, self._place, self._flags, self._features = buffer, place.value, flags, features
            self._size = ctypes.addressof(buffer) + len(buffer) - place.value

    def fill(self, thread: int) -> int:
        """The address of a CONTEXT that is good until the next call. `OSError` when the thread has ended."""
        flags = ctypes.c_uint32.from_address(self._place + self._layout.flags_at)
        flags.value = self._flags
        if self._features:  # each answer leaves only those that this thread has used
            win32.SetXStateFeaturesMask(self._place, self._features)
        self._call(thread, self._place)
        return self._place

    def read(self, thread: int) -> Context | None:
        """None when the thread has ended."""
        try:
            return decode(ctypes.string_at(self.fill(thread), self._size))
        except OSError:
            return None


def decode(raw: bytes) -> Context | None:
    """A CONTEXT of any processor."""
    try:
        found = decode_context(Window(raw, "CONTEXT"), None)
    except FormatError:
        return None
    return Context(found.cpu, found.registers, found.vector, found.xstate)
