"""SPARC: Breakpad's layout."""

from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, padded

FLAG = 0x10000000
REGISTERS = tuple(f"{kind}{n}" for kind in "goli" for n in range(8))


class MDRawContextSPARC(Record, size=584):
    context_flags: u32
    flag_pad: u32
    g_r: Annotated[tuple[int, ...], Array(u64, 32)]
    ccr: u64
    pc: u64
    npc: u64
    y: u64
    asi: u64
    fprs: u64
    float_save: Annotated[bytes, Bytes(272)]


def decode(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextSPARC
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.g_r, strict=True)) | {"pc": record.pc, "npc": record.npc, "y": record.y}
    return CpuContext("sparc", record, registers, {})
