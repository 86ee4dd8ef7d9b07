"""The memory that a 32-bit or 64-bit ARM instruction touches."""

import re
from collections.abc import Mapping
from typing import Any

from mdmp.analysis.operand import Operand, register_value, with_displacement

_NO_ACCESS = ("adr", "nop", "prfm", "pld")
_LISTS = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")


def arm_operands(insn: Any, registers: Mapping[str, int], cpu: str) -> list[Operand]:
    mask = 0xFFFFFFFF if cpu == "arm" else (1 << 64) - 1
    mnemonic = insn.mnemonic.partition(".")[0]
    access = "write" if mnemonic.startswith(("st", "vst", "push", "vpush")) else "read"
    if mnemonic.startswith(_NO_ACCESS):
        return []
    if cpu == "arm" and mnemonic.startswith(_LISTS):
        return [_list(insn, mnemonic, registers, access)]
    found: list[Operand] = []
    for operand in insn.operands:
        if operand.type != 3:
            continue
        memory = operand.mem
        base = insn.reg_name(memory.base) if memory.base else None
        index = insn.reg_name(memory.index) if memory.index else None
        values: list[tuple[str, int | None]] = [
            (name, register_value(name, registers)) for name in (base, index) if name
        ]
        address = None
        if all(value is not None for _, value in values):
            shift = operand.shift.value if index and operand.shift.type == 1 else 0
            address = sum((value or 0) << (shift if name is index else 0) for name, value in values)
            if base == "pc":
                address = (address + (8 if insn.size == 4 else 4)) & ~3
            address = address + memory.disp & mask
        expression = with_displacement(" + ".join(name for name in (base, index) if name), memory.disp, mask)
        known = tuple((name, value) for name, value in values if value is not None)
        found.append(Operand(address, _size(insn, cpu), access, expression, known, memory.disp))
    return found


def _list(insn: Any, mnemonic: str, registers: Mapping[str, int], access: str) -> Operand:
    """What a load or store of several registers touches, as one piece."""
    count = sum(operand.type == 1 for operand in insn.operands)
    stack = mnemonic.startswith(("push", "pop", "vpush", "vpop"))
    name = "sp" if stack else insn.reg_name(insn.operands[0].reg)
    count -= not stack
    value = register_value(name, registers)
    down = mnemonic.startswith(("push", "vpush")) or mnemonic.endswith("db")
    displacement = -4 * count if down else 0
    address = None if value is None else value + displacement & 0xFFFFFFFF
    known = ((name, value),) if value is not None else ()
    return Operand(address, 4 * count, access, with_displacement(name, displacement, 0xFFFFFFFF), known, displacement)


def _size(insn: Any, cpu: str) -> int | None:
    """Bytes that a load or store moves, from its mnemonic and its first register."""
    mnemonic = insn.mnemonic.partition(".")[0]
    first = insn.reg_name(insn.operands[0].reg) if insn.operands[0].type == 1 else ""
    size: int | None
    if re.search(r"(ldr|str|ldur|stur|ldar|stlr|ldxr|stxr)s?b", mnemonic):
        size = 1
    elif re.search(r"(ldr|str|ldur|stur|ldar|stlr|ldxr|stxr)s?h", mnemonic):
        size = 2
    elif mnemonic.endswith("sw") or cpu == "arm":
        size = 4
    else:
        size = (
            8
            if first in ("fp", "lr", "sp")
            else {"w": 4, "x": 8, "s": 4, "d": 8, "q": 16, "h": 2, "b": 1}.get(first[:1])
        )
    if size and (mnemonic.endswith("p") or mnemonic in ("ldpsw", "ldrd", "strd", "ldnp", "stnp")) and mnemonic != "swp":
        size *= 2
    return size
