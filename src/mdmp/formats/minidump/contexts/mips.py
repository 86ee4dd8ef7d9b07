"""MIPS, 32 and 64 bit: Breakpad's layout."""

from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, padded

FLAG = 0x40000
FLAG64 = 0x80000
_NAMES = "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra"
REGISTERS = tuple(_NAMES.split())


class MDRawContextMIPS(Record, size=600):
    context_flags: u32
    pad0: u32
    iregs: Annotated[tuple[int, ...], Array(u64, 32)]
    mdhi: u64
    mdlo: u64
    hi: Annotated[tuple[int, ...], Array(u32, 3)]
    lo: Annotated[tuple[int, ...], Array(u32, 3)]
    dsp_control: u32
    pad1: u32
    epc: u64
    badvaddr: u64
    status: u32
    cause: u32
    float_save: Annotated[bytes, Bytes(264)]


def decode(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextMIPS
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.iregs, strict=True)) | {"pc": record.epc}
    return CpuContext("mips64" if record.context_flags & FLAG64 else "mips", record, registers, {})
