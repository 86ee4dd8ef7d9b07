"""arm64: what a compact unwind encoding says, and the instructions before and after the body of a function."""

from collections.abc import Callable
from typing import NamedTuple

from mdmp.formats.macho import UnwindEntry
from mdmp.formats.macho import structs as wire
from mdmp.unwind.compact_code import Surroundings
from mdmp.unwind.rule import Rule

_MAX_STEPS = 32
_FIRST_KEPT, _FP, _LR, _SP = 19, 29, 30, 31
_PAIRS = ((0x01, 19), (0x02, 21), (0x04, 23), (0x08, 25), (0x10, 27))
_HINTS = (0xD503201F, 0xD503233F, 0xD503237F, 0xD50323BF, 0xD50323FF, 0xD503245F, 0xD50324DF)
"""nop, paciasp, pacibsp, autiasp, autibsp, bti c, bti jc"""
_RETURNS = (0xD65F03C0, 0xD65F0BFF, 0xD65F0FFF)
"""ret, retaa, retab"""


def body(entry: UnwindEntry, read: Callable[[int, int], bytes]) -> Rule | None:
    encoding = entry.encoding
    mode = encoding & wire.UNWIND_MODE_MASK
    saves = []
    if mode == wire.UNWIND_ARM64_MODE_FRAME:
        at = -24
    elif mode == wire.UNWIND_ARM64_MODE_FRAMELESS:
        at = -8
    else:
        return None
    for bit, number in _PAIRS:
        if encoding & bit:
            saves += [(f"x{number}", at), (f"x{number + 1}", at - 8)]
            at -= 16
    if mode == wire.UNWIND_ARM64_MODE_FRAMELESS:
        return Rule("sp", 16 * (encoding >> 12 & 0xFFF), None, tuple(saves))
    return Rule("x29", 16, -8, (("x29", -16), *saves))


def interrupted(encoding: int, around: Surroundings) -> Rule | None:
    """The rule for a thread that does not stand in the body of the function, or is about to leave it; else None."""
    code = around.code
    words = [int.from_bytes(code[i : i + 4], "little") for i in range(0, len(code) - 3, 4)]
    at, low, high = around.at // 4, around.low // 4, around.high // 4
    return _after_body(words, at, low, high) or (_before_body(words, at) if low == 0 else None)


def _before_body(words: list[int], at: int) -> Rule | None:
    """What the instructions from the start of the function have done to the stack, if they all can be followed."""
    if at > len(words):
        return None
    size = 0
    saves: dict[int, int] = {}
    for word in words[:at]:
        if word & 0xFF8003FF == 0xD10003FF:  # sub sp, sp, #n
            size += _immediate(word)
            continue
        moved = _store(word)
        if moved:
            for i, number in enumerate(moved.numbers):
                saves.setdefault(number, moved.where + 8 * i - size)  # later stores are not of the caller's value
            size -= moved.change
        elif not _is_harmless(word, before=True):
            return None
    return _rule(size, {number: where for number, where in saves.items() if number >= _FIRST_KEPT})


def _after_body(words: list[int], at: int, low: int, high: int) -> Rule | None:
    """What is still to be loaded up to the return, or to the jump that leaves the function [low, high)."""
    size = 0
    saves: dict[int, int] = {}
    for i in range(at, min(at + _MAX_STEPS, len(words))):
        word = words[i]
        leaves = word >> 26 == 0x05 and not low <= i + _signed(word & 0x3FFFFFF, 26) < high  # b
        if leaves or word in _RETURNS or (word & 0xFFFFFC1F == 0xD61F0000 and saves):  # br
            return _rule(size, {number: where - size for number, where in saves.items()})
        if word & 0xFF8003FF == 0x910003FF:  # add sp, sp, #n
            size += _immediate(word)
            continue
        moved = _load(word)
        if moved:
            for j, number in enumerate(moved.numbers):
                if number >= _FIRST_KEPT:
                    saves[number] = size + moved.where + 8 * j
            size += moved.change
        elif not _is_harmless(word, before=False):
            return None
    return None


def _is_harmless(word: int, before: bool) -> bool:
    """Does an instruction leave sp and, but for making a frame, x29 and x30 as they are, and go on to the next?"""
    if word in _HINTS:
        return True
    if word >> 26 & 7 == 5:  # branches; on the way to where a thread stands, conditional ones were not taken
        return before and (word & 0xFF000010 == 0x54000000 or word & 0x7C000000 == 0x34000000)
    if word & 0x0A000000 == 0x08000000:  # loads and stores
        changes_base = word & 0x01000400 == 0x400 if word & 0x10000000 else bool(word & 0x00800000)
        return word >> 5 & 31 != _SP or (before and not changes_base)
    target = word & 31
    if target == _FP:
        return before and word & 0xFF8003FF == 0x910003FD  # add x29, sp, #n
    return target not in (_LR, _SP) or (target == _SP and bool(word & 0x20000000))


class Transfer(NamedTuple):
    """A load or store by sp."""

    change: int
    """Of sp."""
    where: int
    """Of the first register, from sp before the change."""
    numbers: tuple[int, ...]
    """Of the registers; none for those that hold floating-point numbers."""


def _store(word: int) -> Transfer | None:
    return _transfer(word, 0)


def _load(word: int) -> Transfer | None:
    return _transfer(word, 0x00400000)


def _transfer(word: int, load: int) -> Transfer | None:
    if word >> 5 & 31 != _SP or word & 0x00400000 != load:
        return None
    floats = bool(word & 0x04000000)
    if word & 0xFE000000 == (0x6C000000 if floats else 0xA8000000):  # pairs
        offset = _signed(word >> 15 & 0x7F, 7) * 8
        numbers: tuple[int, ...] = () if floats else (word & 31, word >> 10 & 31)
        form = word >> 23 & 3
        return (None, Transfer(offset, 0, numbers), Transfer(0, offset, numbers), Transfer(offset, offset, numbers))[
            form
        ]
    numbers = () if floats else (word & 31,)
    if word & 0xFB800000 == 0xF9000000:
        return Transfer(0, (word >> 10 & 0xFFF) * 8, numbers)
    if word & 0xFBA00400 == 0xF8000400:
        offset = _signed(word >> 12 & 0x1FF, 9)
        return Transfer(offset, offset if word & 0x800 else 0, numbers)
    return None


def _rule(size: int, saves: dict[int, int]) -> Rule:
    named = tuple((f"x{number}", where) for number, where in saves.items() if number != _LR)
    return Rule("sp", size, saves.get(_LR), named)


def _immediate(word: int) -> int:
    value = word >> 10 & 0xFFF
    return value << 12 if word >> 22 & 1 else value


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value
