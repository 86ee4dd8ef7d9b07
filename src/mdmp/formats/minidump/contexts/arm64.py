"""64-bit ARM: the layout of Windows (winnt.h), and Breakpad's older one, which Linux, Android and macOS dumps have."""

from collections.abc import Mapping
from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, numbers, pack_numbers, padded

FLAG_WINDOWS = 0x400000
FLAG_BREAKPAD = 0x80000000
REGISTERS = (*(f"x{n}" for n in range(31)), "sp", "pc")
CONTROL, INTEGER, FLOATING_POINT = 1, 2, 4
GROUPS = 7
"""The same bits in both layouts."""
V = tuple(f"v{n}" for n in range(32))


class CONTEXT_ARM64(Record, size=912):
    ContextFlags: u32
    Cpsr: u32
    X: Annotated[tuple[int, ...], Array(u64, 31)]
    Sp: u64
    Pc: u64
    V: Annotated[bytes, Bytes(512)]
    Fpcr: u32
    Fpsr: u32
    Bcr: Annotated[tuple[int, ...], Array(u32, 8)]
    Bvr: Annotated[tuple[int, ...], Array(u64, 8)]
    Wcr: Annotated[tuple[int, ...], Array(u32, 2)]
    Wvr: Annotated[tuple[int, ...], Array(u64, 2)]


class MDRawContextARM64_Old(Record, size=796):
    context_flags: u64
    iregs: Annotated[tuple[int, ...], Array(u64, 33)]
    """x0 to x30, sp, pc."""
    cpsr: u32
    fpsr: u32
    fpcr: u32
    regs: Annotated[bytes, Bytes(512)]


def _vector(raw: bytes, fpcr: int, fpsr: int, flags: int) -> dict[str, int]:
    """Without any group named, all of them count."""
    valid = not flags & GROUPS or flags & FLOATING_POINT
    return numbers(raw, 0, 16, 16, V) | {"fpcr": fpcr, "fpsr": fpsr} if valid else {}


def decode_windows(raw: bytes, name: str) -> CpuContext:
    kind = CONTEXT_ARM64
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, (*record.X, record.Sp, record.Pc), strict=True)) | {"cpsr": record.Cpsr}
    vector = _vector(record.V, record.Fpcr, record.Fpsr, record.ContextFlags)
    return CpuContext("arm64", record, registers, vector)


def decode_breakpad(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextARM64_Old
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.iregs, strict=True)) | {"cpsr": record.cpsr}
    vector = _vector(record.regs, record.fpcr, record.fpsr, record.context_flags)
    return CpuContext("arm64", record, registers, vector)


def encode(registers: Mapping[str, int], vector: Mapping[str, int], windows: bool) -> bytes:
    """The layout of Windows, or Breakpad's older one, which is the one that LLDB reads."""
    numbers64 = [registers.get(name, 0) & (1 << 64) - 1 for name in REGISTERS]
    cpsr = registers.get("cpsr", 0) & 0xFFFFFFFF
    fpcr, fpsr = (vector.get(name, 0) & 0xFFFFFFFF for name in ("fpcr", "fpsr"))
    v = pack_numbers(vector, 16, V)
    flags = INTEGER | (FLOATING_POINT if vector else 0)
    if windows:
        x, sp, pc = numbers64[:31], numbers64[31], numbers64[32]
        flags |= FLAG_WINDOWS | CONTROL
        return CONTEXT_ARM64.new(ContextFlags=flags, Cpsr=cpsr, X=x, Sp=sp, Pc=pc, V=v, Fpcr=fpcr, Fpsr=fpsr).pack()
    kind = MDRawContextARM64_Old
    return kind.new(
        context_flags=FLAG_BREAKPAD | flags, iregs=numbers64, cpsr=cpsr, fpsr=fpsr, fpcr=fpcr, regs=v
    ).pack()
