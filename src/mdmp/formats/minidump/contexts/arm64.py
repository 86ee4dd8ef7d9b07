"""64-bit ARM: the layout of Windows (winnt.h), and Breakpad's older one, which Linux, Android and macOS dumps have."""

from collections.abc import Mapping
from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u32, u64
from mdmp.formats.minidump.contexts.context import CpuContext, numbers, pack_numbers, padded

FLAG_WINDOWS = 0x400000
FLAG_BREAKPAD = 0x80000000
REGISTERS = (*(f"x{n}" for n in range(31)), "sp", "pc")
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


def decode_windows(raw: bytes, name: str) -> CpuContext:
    kind = CONTEXT_ARM64
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, (*record.X, record.Sp, record.Pc), strict=True)) | {"cpsr": record.Cpsr}
    vector = numbers(record.V, 0, 16, 16, V) | {"fpcr": record.Fpcr, "fpsr": record.Fpsr}
    return CpuContext("arm64", record, registers, vector)


def decode_breakpad(raw: bytes, name: str) -> CpuContext:
    kind = MDRawContextARM64_Old
    record = kind(kind.STRUCT.unpack(padded(raw, kind.SIZE, kind.SIZE, name)))
    registers = dict(zip(REGISTERS, record.iregs, strict=True)) | {"cpsr": record.cpsr}
    vector = numbers(record.regs, 0, 16, 16, V) | {"fpcr": record.fpcr, "fpsr": record.fpsr}
    return CpuContext("arm64", record, registers, vector)


def encode(registers: Mapping[str, int], vector: Mapping[str, int], windows: bool) -> bytes:
    """The layout of Windows, or Breakpad's older one, which is the one that LLDB reads."""
    numbers64 = [registers.get(name, 0) & (1 << 64) - 1 for name in REGISTERS]
    cpsr = registers.get("cpsr", 0) & 0xFFFFFFFF
    fpcr, fpsr = (vector.get(name, 0) & 0xFFFFFFFF for name in ("fpcr", "fpsr"))
    v = pack_numbers(vector, 16, V)
    if windows:
        x, sp, pc = numbers64[:31], numbers64[31], numbers64[32]
        flags = FLAG_WINDOWS | 0x7  # control, integer and floating-point registers
        return CONTEXT_ARM64.new(ContextFlags=flags, Cpsr=cpsr, X=x, Sp=sp, Pc=pc, V=v, Fpcr=fpcr, Fpsr=fpsr).pack()
    kind, flags = MDRawContextARM64_Old, FLAG_BREAKPAD | 0x6  # integer and floating-point registers
    return kind.new(context_flags=flags, iregs=numbers64, cpsr=cpsr, fpsr=fpsr, fpcr=fpcr, regs=v).pack()
