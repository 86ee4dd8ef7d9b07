"""A stop at the end of a process, while its threads and their stacks are still there.

When the system tells of the end, all threads but one are gone (Wine: the whole process). So a breakpoint is put where
each orderly end comes by: RtlExitUserProcess of ntdll, which ExitProcess, the return from main and abort of msvcrt all
lead to. What TerminateProcess ends does not come by.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.exports import read_exports
from mdmp.formats.pe.headers import open_memory
from mdmp.formats.pe.image import read_text

assert sys.platform == "win32"

from mdmp.capture.windows import win32

if TYPE_CHECKING:
    from mdmp.monitor.windows.debuggee import Debuggee

_MAX_IMAGE: Final = 1 << 28
_MACHINES: Final = {0x14C: 4, 0x8664: 8}
"""Processors whose breakpoint is the one byte CC, and the bytes of their pointers."""
_INT3: Final = b"\xcc"


class ExitStop:
    def __init__(self, debuggee: Debuggee) -> None:
        self.is_set = False
        self._debuggee = debuggee
        self._address = 0
        """Kept when it is cleared: other threads may have come to it before, which is told one by one."""
        self._byte = b""

    def set(self) -> bool:
        """False: it is not possible with this program."""
        if not self.is_set:
            address = self._address or _find(self._debuggee)
            byte = self._debuggee.memory.read_some(address, 1) if address else b""
            if byte and self._write(address, _INT3):
                self.is_set, self._address, self._byte = True, address, byte
        return self.is_set

    def clear(self) -> None:
        if self.is_set:
            self._write(self._address, self._byte)
            self.is_set = False

    def take(self, tid: int, address: int) -> int | None:
        """The code that the process ends with, if a thread's breakpoint is this one. Then it is cleared, and
        the thread ready to go on, as if nothing had been there."""
        if not address or address != self._address:
            return None
        self.clear()
        if self._debuggee.memory.read_some(address, 1) == _INT3:
            return None  # somebody else's, in the same place
        self._debuggee.go_to(tid, address)
        context = self._debuggee.context(tid)
        registers = context.registers if context else {}
        if self._debuggee.word == 4:
            return self._debuggee.memory.word(registers.get("esp", 0) + 4, 4) or 0
        return registers.get("rcx", 0) & 0xFFFFFFFF

    def _write(self, address: int, raw: bytes) -> bool:
        done = ctypes.c_size_t()
        with suppress(OSError):
            win32.WriteProcessMemory(self._debuggee.process, address, raw, len(raw), ctypes.byref(done))
            win32.FlushInstructionCache(self._debuggee.process, address, len(raw))
            return True
        return False


def _find(debuggee: Debuggee) -> int:
    """The address of RtlExitUserProcess; 0: not found."""
    for base in debuggee.modules:
        with suppress(FormatError, MemoryUnavailable):
            image = open_memory(debuggee.memory, base, _MAX_IMAGE)
            place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_EXPORT)
            if _MACHINES.get(image.machine) != debuggee.word or place is None:
                continue
            name = int.from_bytes(image.read(place.VirtualAddress + 12, 4), "little")
            if read_text(image, name, 16).lower() != b"ntdll.dll":
                continue
            for export in read_exports(image):
                if export.name == "RtlExitUserProcess" and export.forwarder is None:
                    return base + export.rva
    return 0
