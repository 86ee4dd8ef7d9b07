"""One instruction, decoded, with the memory it touches and the values of the registers that say where.

Decoding is capstone's work; what an instruction touches without saying so (push, ret, leave) is added here.
Capstone is loaded at the first call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mdmp.analysis.operand import Operand
from mdmp.analysis.operands_arm import arm_operands
from mdmp.analysis.operands_x86 import x86_operands

LONGEST = 15
"""No instruction of the supported CPUs has more bytes."""


@dataclass(frozen=True, slots=True)
class Instruction:
    address: int
    size: int
    text: str
    """`mov qword ptr [rcx + 0x18], rax`"""
    mnemonic: str
    operands: tuple[Operand, ...]
    transfer: str | None = None
    """`call`, `jump` or `return` for an instruction that goes elsewhere."""
    through: str | None = None
    """The register that a call or jump goes to."""
    divisor: str | None = None
    """The register or memory expression that a division divides by."""


def decode(code: bytes, address: int, registers: Mapping[str, int], cpu: str, teb: int | None) -> Instruction | None:
    """The instruction at `address`; None when the bytes are none of the CPU's, or the CPU is not supported.

    `teb` is the base of the thread's segment (fs on x86, gs on amd64) on Windows.
    """
    machine = _machine(cpu, bool(registers.get("cpsr", 0) & 0x20))
    insn = next(machine.disasm(code[:LONGEST], address, 1), None) if machine else None
    if insn is None:
        return None
    x86 = cpu in ("x86", "amd64")
    operands = x86_operands(insn, registers, cpu, teb) if x86 else arm_operands(insn, registers, cpu)
    groups = set(insn.groups)
    transfer = "call" if 2 in groups else "return" if 3 in groups else "jump" if 1 in groups else None
    through = divisor = None
    first = insn.operands[0] if insn.operands else None
    if first is not None and first.type == 1:  # a register in all of capstone's CPUs
        if transfer in ("call", "jump"):
            through = insn.reg_name(first.reg)
        if x86 and insn.mnemonic in ("div", "idiv"):
            divisor = insn.reg_name(first.reg)
    elif insn.mnemonic in ("div", "idiv"):
        divisor = operands[0].expression if operands else None
    text = f"{insn.mnemonic} {insn.op_str}".rstrip()
    return Instruction(address, insn.size, text, insn.mnemonic, tuple(operands), transfer, through, divisor)


@cache
def _machine(cpu: str, thumb: bool) -> Any:
    try:
        import capstone
    except ImportError:  # its library cannot be loaded here: the report does without the instruction
        return None
    modes = {
        "x86": (capstone.CS_ARCH_X86, capstone.CS_MODE_32),
        "amd64": (capstone.CS_ARCH_X86, capstone.CS_MODE_64),
        "arm": (capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB if thumb else capstone.CS_MODE_ARM),
        "arm64": (capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM),
    }
    if cpu not in modes:
        return None
    machine = capstone.Cs(*modes[cpu])
    machine.detail = True
    return machine
