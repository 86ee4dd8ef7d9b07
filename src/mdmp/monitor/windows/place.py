"""Where in the code something happened: `shop.dll+0x1234`, the same for each run."""

from __future__ import annotations

import ctypes
import re
import sys
from typing import TYPE_CHECKING, Final

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
_SEARCHED: Final = 0x2000
"""Bytes of the stack."""
_EXECUTABLE: Final = 0xF0
"""Bits of PAGE_EXECUTE…"""


def place_of(debuggee: Debuggee, address: int, stack_pointer: int | None) -> str:
    """Of an instruction; where that only raises an exception for others, of the first one on the stack that may have
    called it. Empty when it is in no module."""
    found = module_at(debuggee, address)
    if stack_pointer is not None and (not found or _RAISERS.fullmatch(found[0])):
        word = debuggee.word
        stack = debuggee.memory.read_some(stack_pointer, _SEARCHED)
        for start in range(0, len(stack) - word + 1, word):
            value = int.from_bytes(stack[start : start + word], "little")
            caller = module_at(debuggee, value) if value > 0xFFFF else None
            if caller and not _RAISERS.fullmatch(caller[0]):
                found, address = caller, value
                break
    return f"{found[0]}+{address - found[1]:#x}" if found else ""


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
