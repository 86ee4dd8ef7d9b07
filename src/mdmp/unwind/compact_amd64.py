"""amd64: what a compact unwind encoding says, and the instructions before and after the body of a function."""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from mdmp.formats.macho import UnwindEntry
from mdmp.formats.macho import structs as wire
from mdmp.unwind.compact_code import Surroundings
from mdmp.unwind.rule import Rule

_NUMBERED = ("", "rbx", "r12", "r13", "r14", "r15", "rbp", "")
_PUSH = {"rbx": b"\x53", "rbp": b"\x55", "r12": b"AT", "r13": b"AU", "r14": b"AV", "r15": b"AW"}
_POP = {bytes((*push[:-1], push[-1] + 8)): name for name, push in _PUSH.items()}
_MOVE = b"\x48\x89\xe5"
"""mov rbp, rsp"""
_MAX_STEPS = 16
_CLEAR = 3
"""Bytes of a prolog that hardly occur by chance in the middle of a function."""


class Layout(NamedTuple):
    """The frame that an encoding describes."""

    framed: bool
    """By rbp; else by rsp."""
    size: int
    """Without rbp: bytes from rsp to the CFA."""
    saves: tuple[tuple[str, int], ...]
    """(register, where from the CFA) in the order of addresses, without rbp where that makes the frame."""


def body(entry: UnwindEntry, read: Callable[[int, int], bytes]) -> Rule | None:
    layout = _layout(entry.encoding, lambda at: read(entry.start + at, 4))
    if layout is None:
        return None
    if layout.framed:
        return Rule("rbp", 16, -8, (("rbp", -16), *layout.saves))
    return Rule("rsp", layout.size, -8, layout.saves)


def interrupted(encoding: int, around: Surroundings) -> Rule | None:
    """The rule for a thread that does not stand in the body of the function, or is about to leave it; else None."""
    rule = _before_body(encoding, around.code, around.at) if around.low == 0 else None
    return rule or _after_body(around)


def _layout(encoding: int, immediate: Callable[[int], bytes]) -> Layout | None:
    """`immediate` gives the 4 bytes at an offset in the function: of `sub rsp`, whose size did not fit."""
    mode = encoding & wire.UNWIND_MODE_MASK
    if mode == wire.UNWIND_X86_64_MODE_RBP_FRAME:
        first = -16 - 8 * (encoding >> 16 & 0xFF)
        names = [_NUMBERED[encoding >> 3 * i & 7] for i in range(5)]
        return Layout(True, 0, tuple((name, first + 8 * i) for i, name in enumerate(names) if name))
    if mode == wire.UNWIND_X86_64_MODE_STACK_IMMD:
        size = 8 * (encoding >> 16 & 0xFF)
    elif mode == wire.UNWIND_X86_64_MODE_STACK_IND:
        raw = immediate(encoding >> 16 & 0xFF)
        if len(raw) != 4:
            return None
        size = int.from_bytes(raw, "little") + 8 * (encoding >> 13 & 7)
    else:
        return None
    order = _order(encoding & 0x3FF, encoding >> 10 & 7)
    if order is None or not 8 + 8 * len(order) <= size < 1 << 31:
        return None
    first = -8 - 8 * len(order)
    return Layout(False, size, tuple((name, first + 8 * i) for i, name in enumerate(order)))


def _order(permutation: int, count: int) -> list[str] | None:
    """The registers saved, in the order of addresses: which of those left over comes next, as digits of one number."""
    if count > 6:
        return None
    left = list(_NUMBERED[1:7])
    order = []
    for i in range(count):
        digit, permutation = divmod(permutation, prod(range(7 - count, 6 - i)))
        if digit >= len(left):
            return None
        order.append(left.pop(digit))
    return order


def _before_body(encoding: int, code: bytes, at: int) -> Rule | None:
    """Before the prolog, which may come late in the function, nothing is on the stack; then what it has pushed is."""
    layout = _layout(encoding, lambda place: code[place : place + 4])
    if layout is None:
        return None
    steps = [(_PUSH["rbp"], "rbp"), (_MOVE, "")] if layout.framed else []
    steps += [(_PUSH[name], name) for name, _ in reversed(layout.saves)]
    if not layout.framed:
        steps += [(_allocation(layout.size - 8 - 8 * len(layout.saves)), "")]
    prolog = b"".join(step for step, _ in steps)
    start = code.find(prolog)
    if start < 0 or (len(prolog) < _CLEAR and code[:start] not in (b"", b"\xf3\x0f\x1e\xfa")):
        return None
    pushed = []
    done = start
    for step, name in steps:
        if at <= done:
            break
        done += len(step)
        if name:
            pushed.append(name)
    else:
        return None
    if start < done != at:
        return None
    size = 8 + 8 * len(pushed)
    return Rule("rsp", size, -8, tuple((name, -16 - 8 * i) for i, name in enumerate(pushed)))


def _allocation(size: int) -> bytes:
    """`sub rsp, size`, as compilers write it."""
    if size <= 8:
        return b"\x50" if size else b""
    return b"\x48\x83\xec" + bytes((size,)) if size < 128 else b"\x48\x81\xec" + size.to_bytes(4, "little")


def _after_body(around: Surroundings) -> Rule | None:
    """The epilog: what is still to be popped up to the return, or to the jump that leaves the function."""
    code, i, size = around.code, around.at, 0
    saves: list[tuple[str, int]] = []
    for _ in range(_MAX_STEPS):
        two = code[i : i + 2]
        name = _POP.get(two[:1]) or _POP.get(two)
        if name:
            saves.append((name, size))
            size, i = size + 8, i + len(_PUSH[name])
        elif code[i : i + 3] == b"\x48\x83\xc4" and i + 4 <= len(code):  # add rsp, imm8
            size, i = size + int.from_bytes(code[i + 3 : i + 4], "little", signed=True), i + 4
        elif code[i : i + 3] == b"\x48\x81\xc4" and i + 7 <= len(code):  # add rsp, imm32
            size, i = size + int.from_bytes(code[i + 3 : i + 7], "little", signed=True), i + 7
        elif code[i : i + 3] == b"\xc5\xf8\x77":  # vzeroupper
            i += 3
        elif two[:1] in (b"\xc3", b"\xc2") or two == b"\xf3\xc3" or _leaves(around, i):
            size += 8
            return Rule("rsp", size, -8, tuple((name, where - size) for name, where in saves))
        else:
            return None
    return None


def _leaves(around: Surroundings, at: int) -> bool:
    """Is there a jump out of the function? Through a pointer it is one only behind instructions of an epilog."""
    code = around.code
    first, second = code[at : at + 1], code[at + 1 : at + 2]
    if first == b"\xe9" and at + 5 <= len(code):
        target = at + 5 + int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
        return not around.low <= target < around.high
    if first == b"\xeb" and second:
        return not around.low <= at + 2 + int.from_bytes(second, "little", signed=True) < around.high
    if first == b"\x41":
        first, second = second, code[at + 2 : at + 3]
    return at > around.at and first == b"\xff" and (second == b"\x25" or b"\xe0" <= second <= b"\xe7")
