"""PowerPC, 32 and 64 bit: Breakpad's layouts, of which the integer registers are read."""

from typing import Annotated

from mdmp.binary.record import Array, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, padded

FLAG = 0x20000000
FLAG64 = 0x1000000
REGISTERS = tuple(f"r{n}" for n in range(32))


class MDRawContextPPC(Record, size=164):
    """Its first part."""

    context_flags: u32
    srr0: u32
    """The program counter."""
    srr1: u32
    gpr: Annotated[tuple[int, ...], Array(u32, 32)]
    cr: u32
    xer: u32
    lr: u32
    ctr: u32
    mq: u32
    vrsave: u32


class MDRawContextPPC64(Record, size=320):
    """Its first part."""

    context_flags: u64
    srr0: u64
    srr1: u64
    gpr: Annotated[tuple[int, ...], Array(u64, 32)]
    cr: u64
    xer: u64
    lr: u64
    ctr: u64
    vrsave: u64


def decode(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextPPC
    return _context("ppc", kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name))))


def decode64(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextPPC64
    return _context("ppc64", kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name))))


def _context(cpu: str, record: MDRawContextPPC | MDRawContextPPC64) -> CpuContext:
    special = {"pc": record.srr0, "cr": record.cr, "xer": record.xer, "lr": record.lr, "ctr": record.ctr}
    return CpuContext(cpu, record, dict(zip(REGISTERS, record.gpr, strict=True)) | special, {})
