"""32-bit ARM: Breakpad's layout, and that of Windows (winnt.h)."""

from collections.abc import Mapping
from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, numbers, pack_numbers, padded

FLAG_BREAKPAD = 0x40000000
FLAG_WINDOWS = 0x200000
REGISTERS = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
CONTROL, INTEGER, FLOATING_POINT = 1, 2, 4
GROUPS = 7
"""The same bits in both layouts."""
D = tuple(f"d{n}" for n in range(32))


class MDRawContextARM(Record, size=368):
    context_flags: u32
    iregs: Annotated[tuple[int, ...], Array(u32, 16)]
    cpsr: u32
    fpscr: u64
    regs: Annotated[bytes, Bytes(256)]
    extra: Annotated[bytes, Bytes(32)]


class CONTEXT_ARM(Record, size=416):
    ContextFlags: u32
    R: Annotated[tuple[int, ...], Array(u32, 16)]
    Cpsr: u32
    Fpscr: u32
    Padding: u32
    D: Annotated[bytes, Bytes(256)]
    Bvr: Annotated[tuple[int, ...], Array(u32, 8)]
    Bcr: Annotated[tuple[int, ...], Array(u32, 8)]
    Wvr: u32
    Wcr: u32
    Padding2: u64


def _vector(raw: bytes, fpscr: int, flags: int) -> dict[str, int]:
    """Without any group named, all of them count."""
    valid = not flags & GROUPS or flags & FLOATING_POINT
    return numbers(raw, 0, 8, 8, D) | {"fpscr": fpscr} if valid else {}


def decode_breakpad(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextARM
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.iregs, strict=True)) | {"cpsr": record.cpsr}
    return CpuContext("arm", record, registers, _vector(record.regs, record.fpscr, record.context_flags))


def decode_windows(raw: bytes, name: str) -> CpuContext:
    kind = CONTEXT_ARM
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.R, strict=True)) | {"cpsr": record.Cpsr}
    return CpuContext("arm", record, registers, _vector(record.D, record.Fpscr, record.ContextFlags))


def encode(registers: Mapping[str, int], vector: Mapping[str, int], windows: bool) -> bytes:
    """The layout of Windows, or Breakpad's."""
    numbers32 = [registers.get(name, 0) & 0xFFFFFFFF for name in REGISTERS]
    cpsr, fpscr, d = registers.get("cpsr", 0) & 0xFFFFFFFF, vector.get("fpscr", 0), pack_numbers(vector, 8, D)
    flags = INTEGER | (FLOATING_POINT if vector else 0)
    if windows:
        flags |= FLAG_WINDOWS | CONTROL
        return CONTEXT_ARM.new(ContextFlags=flags, R=numbers32, Cpsr=cpsr, Fpscr=fpscr & 0xFFFFFFFF, D=d).pack()
    kind = MDRawContextARM
    return kind.new(context_flags=FLAG_BREAKPAD | flags, iregs=numbers32, cpsr=cpsr, fpscr=fpscr, regs=d).pack()
