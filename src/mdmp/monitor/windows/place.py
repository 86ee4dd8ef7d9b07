"""Where in the code of a process of Windows something happened."""

from __future__ import annotations

import ctypes
import re
import sys
from typing import TYPE_CHECKING, Final

from mdmp.monitor.place import SEARCHED, first_place
from mdmp.platforms.memory_protection import TYPES
from mdmp.snapshot.module import base_name

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.memory import mapped_file

if TYPE_CHECKING:
    from mdmp.monitor.windows.debuggee import Debuggee

_RAISERS: Final = re.compile(
    r"(ntdll|kernel32|kernelbase|ucrtbased?|msvcrt|vcruntime\d+(_\d+)?d?|msvcp\d+(_\d+)?d?|wow64\w*|libgcc\w*|libstdc\S*)"
    r"\.dll",
    re.IGNORECASE,
)
"""Modules in which exceptions are raised for others."""
_LOWEST: Final = 0xFFFF
"""There is nothing up to here: no need to ask."""
_EXECUTABLE: Final = 0xF0
"""Bits of PAGE_EXECUTE…"""


def place_of(debuggee: Debuggee, address: int, stack_pointer: int | None) -> str:
    """With an offset from the module's base; empty when it is in none."""
    stack = b"" if stack_pointer is None else debuggee.memory.read_some(stack_pointer, SEARCHED)

    def locate(address: int) -> tuple[str, int] | None:
        found = module_at(debuggee, address) if address > _LOWEST else None
        return found and (found[0], address - found[1])

    return first_place(address, stack, debuggee.word, locate, _RAISERS)


def module_at(debuggee: Debuggee, address: int) -> tuple[str, int] | None:
    """File name and address of the module whose code is there."""
    info = win32.MEMORY_BASIC_INFORMATION()
    try:
        win32.VirtualQueryEx(debuggee.process, address, ctypes.byref(info), ctypes.sizeof(info))
        base = info.AllocationBase
        if TYPES.get(info.Type) != "image" or not info.Protect & _EXECUTABLE:
            return None
        name = debuggee.modules.get(base)
        if name is None:
            name = debuggee.modules[base] = base_name(mapped_file(debuggee.process, base))
    except OSError:
        return None
    return name, base
