"""Rules out of ARM64 unwind codes: body, prolog half done, epilog half done, leaf functions, frames of exceptions."""

from mdmp.errors import FormatError
from mdmp.formats.pe import pdata_arm64
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.pdata_arm64 import UnwindCode
from mdmp.unwind.rule import Rule

LEAF = Rule("sp", 0, None, ())
"""No entry in the table: the function changes neither the stack pointer nor saved registers, nor the link register."""

_CONTEXT_X0, _CONTEXT_SP, _CONTEXT_PC = 8, 0x100, 0x108


def rule_at(image: PeImage, rva: int, exact: bool) -> Rule:
    """The rule for an instruction of `image`; `exact` False for a return address.

    Raises `FormatError` or `MemoryUnavailable` when the tables are damaged or not there.
    """
    unwind = pdata_arm64.find_unwind(image, rva if exact else rva - 4)
    if unwind is None:
        return LEAF
    done = (rva - unwind.begin) // 4
    if done < unwind.prolog:
        return make_rule(unwind.codes[unwind.prolog - done :])
    for start, codes in unwind.epilogs if exact else ():
        left = (rva - unwind.begin - start) // 4
        if 0 <= left <= len(codes):
            return make_rule(codes[left:])
    return make_rule(unwind.codes)


def make_rule(codes: tuple[UnwindCode, ...]) -> Rule:
    """What is left to undo, in order, as one rule. Raises `FormatError` for codes that cannot be evaluated."""
    register, base, at = "sp", 0, 0  # sp is now: register + base + at
    early: dict[str, int] = {}
    saves: dict[str, int] = {}
    waiting = 0
    for code in codes:
        op = code.op
        if op == "alloc":
            at += code.size
        elif op in ("save", "save_x"):
            place = at + (code.size if op == "save" else 0)
            for back in range(waiting, -1, -1):
                for i, name in enumerate(_next(code.registers, back)):
                    saves[name] = place + 16 * back + 8 * i
            waiting = 0
            at += code.size if op == "save_x" else 0
        elif op == "save_next":
            waiting += 1
        elif op in ("set_fp", "add_fp"):
            # The stack pointer may have moved since by any amount; what is above the frame pointer is certain.
            early |= {name: where + base for name, where in saves.items()} if register == "sp" else {}
            saves = {} if register == "sp" else saves
            register, base, at = "x29", -code.size, 0
        elif op == "machine_frame":
            return _rule(register, base, at, saves, early, at + 8, at)
        elif op == "context":
            saves |= {f"x{n}": at + _CONTEXT_X0 + 8 * n for n in range(19, 31)}
            return _rule(register, base, at, saves, early, at + _CONTEXT_PC, at + _CONTEXT_SP)
        elif op == "trap_frame":
            raise FormatError("xdata", "a kernel trap frame cannot be unwound")
    return _rule(register, base, at, saves, early, saves.get("x30"), None)


def _rule(
    register: str, base: int, cfa: int, saves: dict[str, int], early: dict[str, int], back: int | None, sp: int | None
) -> Rule:
    placed = tuple((name, where - cfa) for name, where in saves.items() if name[0] == "x" and name != "x30")
    near = tuple((name, where) for name, where in early.items() if name[0] == "x" and name not in saves)
    return_at = None if back is None else back - cfa
    return Rule(register, base + cfa, return_at, placed, None if sp is None else sp - cfa, sp is not None, near)


def _next(registers: tuple[str, ...], back: int) -> tuple[str, ...]:
    """The pair that is `back` pairs after `registers`."""
    if back == 0:
        return registers
    return tuple(f"{name[0]}{int(name[1:]) + 2 * back}" for name in registers)
