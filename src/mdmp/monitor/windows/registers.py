"""Registers of a thread that stands still at a debug event."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.minidump.contexts.choose import decode_context
from mdmp.snapshot.thread import Context

if TYPE_CHECKING:
    from mdmp.formats.minidump.contexts.context import CpuContext

assert sys.platform == "win32"

from mdmp.capture.windows import win32


class _Layout(NamedTuple):
    """Of the CONTEXT of one processor (winnt.h)."""

    cpu: str
    architecture: int
    size: int
    flags_at: int
    flags: int
    """CONTEXT_CONTROL, _INTEGER and the processor's own bit."""
    pc_at: int
    pc_size: int


_LAYOUTS: Final = {
    "AMD64": _Layout("amd64", 9, 1232, 0x30, 0x10000B, 0xF8, 8),
    "ARM64": _Layout("arm64", 12, 912, 0, 0x400003, 0x108, 8),
    "x86": _Layout("x86", 0, 716, 0, 0x1000F, 0xB8, 4),
}
_ALIGNMENT: Final = 16


class Registers:
    """Good until the thread goes on."""

    def __init__(self, thread: int, is_32_bit: bool) -> None:
        """`thread`: a handle. `OSError` when it has ended."""
        self._thread = thread
        self._wow64 = is_32_bit and ctypes.sizeof(ctypes.c_void_p) == 8
        self._layout = layout = _LAYOUTS["x86" if is_32_bit else platform.machine()]
        self._buffer = ctypes.create_string_buffer(layout.size + _ALIGNMENT)
        self._start = -(-ctypes.addressof(self._buffer) // _ALIGNMENT) * _ALIGNMENT
        ctypes.c_uint32.from_address(self._start + layout.flags_at).value = layout.flags
        (win32.Wow64GetThreadContext if self._wow64 else win32.GetThreadContext)(thread, self._start)
        raw = ctypes.string_at(self._start, layout.size)
        found: CpuContext = decode_context(Window(raw, "thread"), layout.architecture)
        self.context = Context(layout.cpu, found.registers, found.vector)

    def __getitem__(self, name: str) -> int:
        return self.context.registers[name]

    @property
    def stack_pointer(self) -> int:
        return self[{"amd64": "rsp", "x86": "esp"}.get(self.context.cpu, "sp")]

    def go_to(self, address: int) -> None:
        """Where the thread goes on."""
        raw = address.to_bytes(self._layout.pc_size, "little")
        ctypes.memmove(self._start + self._layout.pc_at, raw, len(raw))
        (win32.Wow64SetThreadContext if self._wow64 else win32.SetThreadContext)(self._thread, self._start)
