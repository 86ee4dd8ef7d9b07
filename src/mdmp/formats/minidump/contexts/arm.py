"""32-bit ARM: Breakpad's layout, and that of Windows (winnt.h)."""

from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, numbers, padded

FLAG_BREAKPAD = 0x40000000
FLAG_WINDOWS = 0x200000
REGISTERS = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
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


def decode_breakpad(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextARM
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.iregs, strict=True)) | {"cpsr": record.cpsr}
    return CpuContext("arm", record, registers, numbers(record.regs, 0, 8, 8, D) | {"fpscr": record.fpscr})


def decode_windows(raw: bytes, name: str) -> CpuContext:
    kind = CONTEXT_ARM
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.R, strict=True)) | {"cpsr": record.Cpsr}
    return CpuContext("arm", record, registers, numbers(record.D, 0, 8, 8, D) | {"fpscr": record.Fpscr})
