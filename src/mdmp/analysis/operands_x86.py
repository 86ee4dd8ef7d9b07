"""The memory that an x86 or amd64 instruction touches."""

from collections.abc import Mapping
from typing import Any

from mdmp.analysis.operand import Operand, register_value, with_displacement

_NO_ACCESS = ("lea", "nop", "prefetch", "invlpg", "clflush", "endbr")


def x86_operands(insn: Any, registers: Mapping[str, int], cpu: str, teb: int | None) -> list[Operand]:
    word, sp, bp = (8, "rsp", "rbp") if cpu == "amd64" else (4, "esp", "ebp")
    mask = (1 << 8 * insn.addr_size) - 1 if insn.addr_size in (2, 4, 8) else (1 << 8 * word) - 1
    found = []
    mnemonic = insn.mnemonic.split()[-1]
    if not mnemonic.startswith(_NO_ACCESS):
        found = [
            _memory(insn, operand, registers, cpu, teb, mask, mnemonic)
            for operand in insn.operands
            if operand.type == 3
        ]
    stack = _stack(mnemonic, word, sp, bp, registers)
    return [*found, stack] if stack else found


def _memory(
    insn: Any, operand: Any, registers: Mapping[str, int], cpu: str, teb: int | None, mask: int, mnemonic: str
) -> Operand:
    memory = operand.mem
    base = insn.reg_name(memory.base) if memory.base else None
    index = insn.reg_name(memory.index) if memory.index else None
    segment = insn.reg_name(memory.segment) if memory.segment else None
    values: list[tuple[str, int | None]] = [(name, register_value(name, registers)) for name in (base, index) if name]
    address: int | None = memory.disp
    if base in ("rip", "eip"):
        address, values = insn.address + insn.size + memory.disp, []
    elif any(value is None for _, value in values):
        address = None
    else:
        scales = [1 if name is base else memory.scale for name in (base, index) if name]
        address = memory.disp + sum((value or 0) * scale for (_, value), scale in zip(values, scales, strict=True))
    if address is not None:
        address &= mask
        if segment == ("gs" if cpu == "amd64" else "fs"):
            address = None if teb is None else address + teb & mask
        elif segment in ("fs", "gs"):
            address = None
    parts = [base] if base else []
    if index:
        parts.append(f"{index}*{memory.scale}" if memory.scale != 1 else index)
    expression = with_displacement(" + ".join(parts), memory.disp, mask)
    if segment and segment not in ("ds", "es", "ss", "cs"):
        expression = f"{segment}:{expression}"
    access = {1: "read", 2: "write", 3: "read_write"}.get(operand.access, "read")
    if mnemonic in ("fst", "fstp", "fist", "fistp", "fisttp"):  # capstone calls these reads
        access = "write"
    elif mnemonic.startswith("cmpxchg"):
        access = "read_write"
    known = tuple((name, value) for name, value in values if value is not None)
    return Operand(address, operand.size or None, access, expression, known, memory.disp, segment)


def _stack(mnemonic: str, word: int, sp: str, bp: str, registers: Mapping[str, int]) -> Operand | None:
    """What the stack instructions touch without an operand that says so."""
    if mnemonic.startswith("push") or mnemonic == "call":
        register, displacement, access = sp, -word, "write"
    elif mnemonic.startswith(("pop", "ret")) and mnemonic != "popcnt":
        register, displacement, access = sp, 0, "read"
    elif mnemonic == "leave":
        register, displacement, access = bp, 0, "read"
    else:
        return None
    value = registers.get(register)
    address = None if value is None else value + displacement & (1 << 8 * word) - 1
    known = ((register, value),) if value is not None else ()
    expression = with_displacement(register, displacement, (1 << 8 * word) - 1)
    return Operand(address, word, access, expression, known, displacement)
