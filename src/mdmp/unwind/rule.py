"""A way to the caller that does not depend on register values, so that it is made once per code address."""

from collections.abc import Callable
from typing import NamedTuple


class Rule(NamedTuple):
    """CFA (the stack pointer before the call pushed anything) = register + offset; the rest lies around it."""

    register: str
    offset: int
    return_at: int | None
    """The return address is at CFA + this; None: it is in the link register."""
    saves: tuple[tuple[str, int], ...]
    """(register, where): the caller's value is at CFA + where."""
    sp_at: int | None = None
    """The caller's stack pointer is at CFA + this; None: it is the CFA."""
    exact: bool = False
    """The caller was interrupted, it did not call."""
    near: tuple[tuple[str, int], ...] = ()
    """As `saves`, but at the stack pointer of now + where."""


def apply_rule(
    rule: Rule,
    registers: dict[str, int],
    word: Callable[[int], int | None],
    kept: tuple[str, ...],
    pc: str,
    sp: str,
    lr: str | None,
    mask: int,
) -> dict[str, int] | int | None:
    """The caller's registers.

    An int is the address whose missing memory stops it; None means that a register it needs is not known.
    """
    base = registers.get(rule.register)
    if base is None:
        return None
    cfa = (base + rule.offset) & mask
    if rule.return_at is None:
        target = registers.get(lr) if lr else None
        if target is None:
            return None
    else:
        target = word(cfa + rule.return_at)
        if target is None:
            return cfa + rule.return_at
    caller = {name: registers[name] for name in kept if name in registers}
    for name, at in rule.saves:
        value = word(cfa + at)
        if value is None:
            caller.pop(name, None)
        else:
            caller[name] = value
    for name, at in rule.near:
        value = word(registers[sp] + at)
        if value is None:
            caller.pop(name, None)
        else:
            caller[name] = value
    if rule.sp_at is None:
        caller[sp] = cfa
    else:
        stack = word(cfa + rule.sp_at)
        if stack is None:
            return cfa + rule.sp_at
        caller[sp] = stack
    caller[pc] = target
    return caller
