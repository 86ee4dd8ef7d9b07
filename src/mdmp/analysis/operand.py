"""A memory operand with the values of its registers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operand:
    """A piece of memory that the instruction reads or writes."""

    address: int | None
    """None where a register that it needs is not known."""
    size: int | None
    access: str
    """`read`, `write` or `read_write`."""
    expression: str
    """`rcx + 0x18`, registers by name; `rip`-relative ones as they are written."""
    registers: tuple[tuple[str, int], ...] = ()
    """The registers of the expression, base first, with their values."""
    displacement: int = 0
    segment: str | None = None


def register_value(name: str, registers: Mapping[str, int]) -> int | None:
    """The value of a register or of a named part of one (`ecx`, `r8d`, `ah`, `w3`); None when it is not known."""
    if name in registers:
        return registers[name]
    if found := re.fullmatch(r"(r\d+)([dwb])", name):
        whole, bits = registers.get(found[1]), {"d": 32, "w": 16, "b": 8}[found[2]]
        return None if whole is None else whole & (1 << bits) - 1
    if found := re.fullmatch(r"w(\d+)", name):
        whole = registers.get(f"x{found[1]}")
        return None if whole is None else whole & 0xFFFFFFFF
    if name in ("xzr", "wzr"):
        return 0
    if name in ("fp", "lr", "ip", "sb", "sl") and (alias := _ARM_ALIASES["x0" in registers].get(name)):
        return registers.get(alias)
    if found := re.fullmatch(r"(e?)([abcd]x|[sd]i|[sb]p|ip)", name):
        for whole_name in (f"r{found[2]}", f"e{found[2]}"):
            if whole_name in registers:
                return registers[whole_name] & (0xFFFFFFFF if found[1] else 0xFFFF)
    if found := re.fullmatch(r"([abcd])([lh])", name):
        for whole_name in (f"r{found[1]}x", f"e{found[1]}x"):
            if whole_name in registers:
                return registers[whole_name] >> (8 if found[2] == "h" else 0) & 0xFF
    return None


_ARM_ALIASES = {
    True: {"fp": "x29", "lr": "x30"},
    False: {"fp": "r11", "ip": "r12", "sb": "r9", "sl": "r10", "lr": "lr"},
}


def with_displacement(text: str, displacement: int, mask: int) -> str:
    if not text:
        return f"{displacement & mask:#x}"
    if displacement == 0:
        return text
    return f"{text} {'-' if displacement < 0 else '+'} {abs(displacement):#x}"
