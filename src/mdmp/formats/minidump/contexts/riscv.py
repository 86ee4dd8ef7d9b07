"""RISC-V, 32 and 64 bit: Breakpad's layouts, of which the integer registers are read."""

from typing import Annotated

from mdmp.binary.record import Array, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, padded

FLAG = 0x00800000
FLAG64 = 0x08000000
_NAMES = "pc ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
REGISTERS = tuple(_NAMES.split())


class MDRawContextRISCV(Record, size=136):
    """Its first part."""

    context_flags: u32
    version: u32
    iregs: Annotated[tuple[int, ...], Array(u32, 32)]


class MDRawContextRISCV64(Record, size=264):
    """Its first part."""

    context_flags: u32
    version: u32
    iregs: Annotated[tuple[int, ...], Array(u64, 32)]


def decode(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextRISCV
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    return CpuContext("riscv", record, dict(zip(REGISTERS, record.iregs, strict=True)), {})


def decode64(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextRISCV64
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    return CpuContext("riscv64", record, dict(zip(REGISTERS, record.iregs, strict=True)), {})
