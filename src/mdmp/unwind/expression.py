"""DWARF expressions, as far as call-frame rules use them. Source: DWARF 5, section 2.5."""

from collections.abc import Callable

from mdmp.errors import FormatError
from mdmp.formats.dwarf.leb import PAD, sleb, uleb

MAX_STEPS = 4096
MAX_STACK = 256

_CONSTANTS = {0x08: 1, 0x09: -1, 0x0A: 2, 0x0B: -2, 0x0C: 4, 0x0D: -4, 0x0E: 8, 0x0F: -8}
"""DW_OP_const1u … const8s to their width; negative: signed."""
_OPERANDS = {0x12: 1, 0x13: 1, 0x14: 2, 0x16: 2, 0x17: 3, 0x06: 1, 0x94: 1, 0x19: 1, 0x1F: 1, 0x20: 1, 0x23: 1, 0x28: 1}
"""Operations to the values they need on the stack."""
_BINARY = frozenset((0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, *range(0x29, 0x2F)))


def evaluate(
    expression: bytes,
    register: Callable[[int], int | None],
    word: Callable[[int], int | None],
    size: int,
    start: tuple[int, ...],
) -> int | None:
    """What is on top of the stack at the end; `start` is on it at first.

    `register` gives a register by its DWARF number, `word` the word of `size` bytes at an address. None when a
    register or memory is not known. Raises `FormatError` for an expression that is damaged or runs too long.
    """
    data, end, at = expression + PAD, len(expression), 0
    mask = (1 << 8 * size) - 1
    stack = list(start)
    for _ in range(MAX_STEPS):
        if at >= end:
            break
        op = data[at]
        at += 1
        needed = 2 if op in _BINARY else _OPERANDS.get(op, 0)
        if len(stack) < needed or len(stack) > MAX_STACK:
            raise FormatError("DWARF expression", f"operation {op:#x} with {len(stack)} values on the stack")
        if 0x30 <= op <= 0x4F:  # lit0 … lit31
            stack.append(op - 0x30)
        elif 0x70 <= op <= 0x8F or op == 0x92:  # breg0 … breg31, bregx
            number, at = uleb(data, at) if op == 0x92 else (op - 0x70, at)
            offset, at = sleb(data, at)
            value = register(number)
            if value is None:
                return None
            stack.append(value + offset & mask)
        elif op in _CONSTANTS:
            width = abs(_CONSTANTS[op])
            stack.append(int.from_bytes(data[at : at + width], "little", signed=_CONSTANTS[op] < 0) & mask)
            at += width
        elif op in (0x10, 0x11):  # constu, consts
            value, at = uleb(data, at) if op == 0x10 else sleb(data, at)
            stack.append(value & mask)
        elif op == 0x03:  # addr
            stack.append(int.from_bytes(data[at : at + size], "little"))
            at += size
        elif op in (0x06, 0x94):  # deref, deref_size
            width = size if op == 0x06 else data[at]
            at += op == 0x94
            value = word(stack.pop())
            if value is None:
                return None
            stack.append(value & ((1 << 8 * min(width, size)) - 1))
        elif op == 0x23:  # plus_uconst
            value, at = uleb(data, at)
            stack.append(stack.pop() + value & mask)
        elif op in _BINARY:
            right = stack.pop()
            stack.append(_binary(op, stack.pop(), right, size) & mask)
        elif op in (0x28, 0x2F):  # bra, skip
            jump = int.from_bytes(data[at : at + 2], "little", signed=True)
            at += 2
            if op == 0x2F or stack.pop():
                at += jump
            if at < 0:
                raise FormatError("DWARF expression", "a branch leads out of it")
        elif op != 0x96:  # not nop
            at = _stack_operation(op, stack, data, at, size)
        if at > end:
            raise FormatError("DWARF expression", "it ends inside an operation, or a branch leads out of it")
    else:
        raise FormatError("DWARF expression", f"expected an end after {MAX_STEPS} steps")
    if not stack:
        raise FormatError("DWARF expression", "nothing is left on the stack")
    return stack[-1]


def _stack_operation(op: int, stack: list[int], data: bytes, at: int, size: int) -> int:
    """Operations on the stack's own values."""
    mask = (1 << 8 * size) - 1
    if op == 0x12:  # dup
        stack.append(stack[-1])
    elif op == 0x13:  # drop
        stack.pop()
    elif op == 0x14:  # over
        stack.append(stack[-2])
    elif op == 0x15:  # pick
        if data[at] >= len(stack):
            raise FormatError("DWARF expression", "DW_OP_pick of a value that is not there")
        stack.append(stack[-1 - data[at]])
        return at + 1
    elif op == 0x16:  # swap
        stack[-1], stack[-2] = stack[-2], stack[-1]
    elif op == 0x17:  # rot: the top becomes the third
        stack[-1], stack[-2], stack[-3] = stack[-2], stack[-3], stack[-1]
    elif op == 0x19:  # abs
        stack.append(abs(_signed(stack.pop(), size)) & mask)
    elif op == 0x1F:  # neg
        stack.append(-stack.pop() & mask)
    elif op == 0x20:  # not
        stack.append(~stack.pop() & mask)
    else:
        raise FormatError("DWARF expression", f"operation {op:#x} has no meaning in a call-frame rule")
    return at


def _binary(op: int, left: int, right: int, size: int) -> int:
    """Arithmetic and comparisons; the caller cuts the result to the size of an address."""
    bits = 8 * size
    if op in (0x1B, 0x1D) and right == 0:
        raise FormatError("DWARF expression", "division by zero")
    if op in (0x24, 0x25, 0x26) and right >= bits:
        return -1 if op == 0x26 and left >> bits - 1 else 0
    a, b = _signed(left, size), _signed(right, size)
    if op == 0x1B:  # div, signed, towards zero
        quotient = abs(a) // abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    if op == 0x1D:  # mod, unsigned
        return left % right
    if op >= 0x29:  # eq, ge, gt, le, lt, ne: signed
        return int((a == b, a >= b, a > b, a <= b, a < b, a != b)[op - 0x29])
    if op in (0x24, 0x25, 0x26):  # shl, shr, shra
        return left << right if op == 0x24 else left >> right if op == 0x25 else a >> right
    simple = {0x1A: left & right, 0x1C: left - right, 0x1E: left * right, 0x21: left | right, 0x22: left + right}
    return simple[op] if op in simple else left ^ right


def _signed(value: int, size: int) -> int:
    return value - (1 << 8 * size) if value >> 8 * size - 1 else value
