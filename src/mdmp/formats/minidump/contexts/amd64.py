"""CONTEXT of x64 Windows (winnt.h); Breakpad and Crashpad write the same on all systems."""

from collections.abc import Mapping
from struct import pack, unpack_from
from typing import Annotated

from mdmp.arch import fxsave
from mdmp.binary.record import Bytes, Record, u16, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, padded

FLAG = 0x100000
CONTROL, INTEGER, SEGMENTS, FLOATING_POINT, DEBUG_REGISTERS, XSTATE = 1, 2, 4, 8, 0x10, 0x40


class CONTEXT_AMD64(Record, size=1232):
    P1Home: u64
    P2Home: u64
    P3Home: u64
    P4Home: u64
    P5Home: u64
    P6Home: u64
    ContextFlags: u32
    MxCsr: u32
    SegCs: u16
    SegDs: u16
    SegEs: u16
    SegFs: u16
    SegGs: u16
    SegSs: u16
    EFlags: u32
    Dr0: u64
    Dr1: u64
    Dr2: u64
    Dr3: u64
    Dr6: u64
    Dr7: u64
    Rax: u64
    Rcx: u64
    Rdx: u64
    Rbx: u64
    Rsp: u64
    Rbp: u64
    Rsi: u64
    Rdi: u64
    R8: u64
    R9: u64
    R10: u64
    R11: u64
    R12: u64
    R13: u64
    R14: u64
    R15: u64
    Rip: u64
    FltSave: Annotated[bytes, Bytes(512)]
    """XMM_SAVE_AREA32, as FXSAVE writes it."""
    VectorRegister: Annotated[bytes, Bytes(416)]
    VectorControl: u64
    DebugControl: u64
    LastBranchToRip: u64
    LastBranchFromRip: u64
    LastExceptionToRip: u64
    LastExceptionFromRip: u64


_GROUPS = (
    (CONTROL, ("Rip", "Rsp", "SegCs", "SegSs", "EFlags")),
    (INTEGER, ("Rax", "Rcx", "Rdx", "Rbx", "Rbp", "Rsi", "Rdi", *(f"R{n}" for n in range(8, 16)))),
    (SEGMENTS, ("SegDs", "SegEs", "SegFs", "SegGs")),
    (DEBUG_REGISTERS, ("Dr0", "Dr1", "Dr2", "Dr3", "Dr6", "Dr7")),
)
REGISTERS = tuple(
    (flag, tuple((name.removeprefix("Seg").lower(), CONTEXT_AMD64.FIELDS.index(name)) for name in names))
    for flag, names in _GROUPS
)
"""Flag of a group, and its registers as (name, index in the record)."""
XMM = tuple(f"xmm{n}" for n in range(16))


def decode(raw: bytes, name: str) -> CpuContext:
    size = CONTEXT_AMD64.SIZE
    record = CONTEXT_AMD64(CONTEXT_AMD64.STRUCT.unpack(padded(raw, size, size, name)))
    flags = record.ContextFlags if record.ContextFlags & 0x1F else 0x1F
    registers = {reg: record[i] for flag, group in REGISTERS if flags & flag for reg, i in group}
    vector = fxsave.registers(record.FltSave, XMM) if flags & FLOATING_POINT else {}
    return CpuContext("amd64", record, registers, vector, xsave(raw, size) if flags & XSTATE else None)


def xsave(raw: bytes, start: int) -> bytes | None:
    """The extended state that the CONTEXT_EX right behind a context points to; its offsets count from itself."""
    if len(raw) < start + 24:
        return None
    offset, size = unpack_from("<iI", raw, start + 16)
    if offset < 24 or start + offset + 64 > len(raw):
        return None
    return raw[start + offset : start + offset + size]


def encode(registers: Mapping[str, int], vector: Mapping[str, int], xstate: bytes | None) -> bytes:
    """CONTEXT and, where there is extended state, the CONTEXT_EX that leads to it. Unknown names are left out."""
    kind, flags = CONTEXT_AMD64, FLAG
    values = list(kind.new())
    for flag, group in REGISTERS:
        if any(name in registers for name, _ in group):
            flags |= flag
        for name, index in group:
            values[index] = registers.get(name, 0) & (1 << 64) - 1
    for name in ("SegCs", "SegDs", "SegEs", "SegFs", "SegGs", "SegSs"):
        values[kind.FIELDS.index(name)] &= 0xFFFF
    values[kind.FIELDS.index("EFlags")] &= 0xFFFFFFFF
    if vector:
        flags |= FLOATING_POINT
        values[kind.FIELDS.index("FltSave")] = fxsave.pack(vector, XMM)
        values[kind.FIELDS.index("MxCsr")] = vector.get("mxcsr", 0) & 0xFFFFFFFF
    values[kind.FIELDS.index("ContextFlags")] = flags | (XSTATE if xstate else 0)
    raw = kind(values).pack()
    return raw + pack_xsave(kind.SIZE, xstate) if xstate else raw


def pack_xsave(start: int, xstate: bytes) -> bytes:
    """CONTEXT_EX, which lies `start` bytes behind the context's own start, and the area at a multiple of 64."""
    offset = -(start + 24) % 64 + 24
    head = pack("<iIiIiI", -start, start + offset + len(xstate), -start, start, offset, len(xstate))
    return head.ljust(offset, b"\0") + xstate
