"""What Windows hands a post-mortem debugger by address: JIT_DEBUG_INFO, and the exception record that it leads to.

Source: minwinbase.h. Systems that do not know the third value of the command line leave a random number in its place:
nothing here is believed that does not fit together.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from mdmp.snapshot.exception import ExceptionRecord

if TYPE_CHECKING:
    from collections.abc import Collection

    from mdmp.snapshot.memory import MemoryReader

_INFO = Struct("<4I3Q")
"""dwSize, dwProcessorArchitecture, dwThreadID, dwReserved0, lpExceptionAddress, lpExceptionRecord, lpContextRecord"""
_RECORD64 = Struct("<IIQQI4x15Q")
_RECORD32 = Struct("<IIIII15I")
_ARCHITECTURES = {0: 4, 9: 8, 12: 8}
"""PROCESSOR_ARCHITECTURE_* -> bytes of a pointer."""
_MAX_PARAMETERS = 15


def read_jit_info(memory: MemoryReader, address: int, tids: Collection[int]) -> ExceptionRecord | None:
    """The exception that the process died of; None when there is nothing of the kind at the address."""
    raw = memory.read_some(address, _INFO.size) if address else b""
    if len(raw) < _INFO.size:
        return None
    size, architecture, tid, reserved, place, record, _ = _INFO.unpack(raw)
    word = _ARCHITECTURES.get(architecture)
    if size != _INFO.size or reserved or word is None or tid not in tids:
        return None
    layout = _RECORD64 if word == 8 else _RECORD32
    raw = memory.read_some(record, layout.size)
    if len(raw) < layout.size:
        return None
    code, flags, nested, where, count, *parameters = layout.unpack(raw)
    if where != place or count > _MAX_PARAMETERS or not code:
        return None
    return ExceptionRecord(tid, code, flags, where, tuple(parameters[:count]), nested=nested)
