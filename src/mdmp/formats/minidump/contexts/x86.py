"""CONTEXT of 32-bit x86 (winnt.h)."""

from collections.abc import Mapping
from typing import Annotated

from mdmp.arch import fxsave
from mdmp.binary.record import Bytes, Record, u32
from mdmp.formats.minidump.contexts.amd64 import pack_xsave, xsave
from mdmp.formats.minidump.contexts.context import CpuContext, numbers, pack_numbers, padded

FLAG = 0x10000
CONTROL, INTEGER, SEGMENTS, FLOATING_POINT, DEBUG_REGISTERS, EXTENDED_REGISTERS, XSTATE = 1, 2, 4, 8, 0x10, 0x20, 0x40
MIN_SIZE = 204
"""Before ExtendedRegisters was added."""


class FLOATING_SAVE_AREA(Record, size=112):
    ControlWord: u32
    StatusWord: u32
    TagWord: u32
    ErrorOffset: u32
    ErrorSelector: u32
    DataOffset: u32
    DataSelector: u32
    RegisterArea: Annotated[bytes, Bytes(80)]
    Cr0NpxState: u32


class CONTEXT_X86(Record, size=716):
    ContextFlags: u32
    Dr0: u32
    Dr1: u32
    Dr2: u32
    Dr3: u32
    Dr6: u32
    Dr7: u32
    FloatSave: FLOATING_SAVE_AREA
    SegGs: u32
    SegFs: u32
    SegEs: u32
    SegDs: u32
    Edi: u32
    Esi: u32
    Ebx: u32
    Edx: u32
    Ecx: u32
    Eax: u32
    Ebp: u32
    Eip: u32
    SegCs: u32
    EFlags: u32
    Esp: u32
    SegSs: u32
    ExtendedRegisters: Annotated[bytes, Bytes(512)]
    """As FXSAVE writes it."""


_GROUPS = (
    (CONTROL, ("Eip", "Esp", "Ebp", "SegCs", "SegSs", "EFlags")),
    (INTEGER, ("Eax", "Ebx", "Ecx", "Edx", "Esi", "Edi")),
    (SEGMENTS, ("SegDs", "SegEs", "SegFs", "SegGs")),
    (DEBUG_REGISTERS, ("Dr0", "Dr1", "Dr2", "Dr3", "Dr6", "Dr7")),
)
XMM = tuple(f"xmm{n}" for n in range(8))


def decode(raw: bytes, name: str) -> CpuContext:
    kind = CONTEXT_X86
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, MIN_SIZE, name)))
    flags = record.ContextFlags if record.ContextFlags & 0x3F else 0x3F
    registers = {
        field.removeprefix("Seg").lower(): getattr(record, field)
        for flag, fields in _GROUPS
        if flags & flag
        for field in fields
    }
    vector: dict[str, int] = {}
    if flags & EXTENDED_REGISTERS and len(raw) >= kind.SIZE:
        vector = fxsave.registers(record.ExtendedRegisters, XMM)
    if flags & FLOATING_POINT:
        vector |= numbers(record.FloatSave.RegisterArea, 0, 10, 10, fxsave.ST)
    return CpuContext("x86", record, registers, vector, xsave(raw, kind.SIZE) if flags & XSTATE else None)


def encode(registers: Mapping[str, int], vector: Mapping[str, int], xstate: bytes | None) -> bytes:
    """Names that CONTEXT has no place for are left out."""
    flags = FLAG
    values: dict[str, int] = {}
    for flag, fields in _GROUPS:
        names = {field: field.removeprefix("Seg").lower() for field in fields}
        if any(name in registers for name in names.values()):
            flags |= flag
        values |= {field: registers.get(name, 0) & 0xFFFFFFFF for field, name in names.items()}
    if any(name in vector for name in ("mxcsr", *XMM)):
        flags |= EXTENDED_REGISTERS
    if any(name in vector for name in fxsave.ST):
        flags |= FLOATING_POINT
    save = FLOATING_SAVE_AREA.new(RegisterArea=pack_numbers(vector, 10, fxsave.ST))
    extended = fxsave.pack(vector, XMM)
    flags |= XSTATE if xstate else 0
    raw = CONTEXT_X86.new(ContextFlags=flags, FloatSave=save, ExtendedRegisters=extended, **values).pack()
    return raw + pack_xsave(CONTEXT_X86.SIZE, xstate) if xstate else raw
