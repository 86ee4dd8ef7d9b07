"""The postfix language of unwind records: FrameData programs in PDBs, STACK WIN and STACK CFI of Breakpad.

Words are pushed on a stack. `+ - * / %` work on unsigned numbers as wide as a pointer, `@` rounds the first operand
down to a multiple of the second (a power of two), `^` reads the memory at an address, `=` gives a value to the name
pushed before it. Numbers are decimal. A name stands for its value at the time it is used, not at the time it is pushed.
Sources: docs/symbol_files.md of Breakpad; IDiaFrameData::get_program of Microsoft's DIA.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from operator import add, mul, sub
from typing import NoReturn

from mdmp.errors import FormatError, MemoryUnavailable

UNDEFINED = ".undef"
"""A name that never has a value: its register cannot be recovered."""

_SHORT = 64
_NUMBER = re.compile(r"-?[0-9]{1,20}")

ReadWord = Callable[[int], int | None]
"""The pointer-sized number at an address, or None."""


def evaluate(words: tuple[str, ...], values: Mapping[str, int], word: ReadWord, pointer_size: int) -> int | None:
    """The value of an expression; None when it uses a name that `values` does not have.

    Raises `FormatError` for an expression that breaks the language, and `MemoryUnavailable`.
    """
    # What is remembered must be short, whoever wrote it.
    simple = _simple(words) if len(words) in (3, 4) and len(words[0]) + len(words[1]) < _SHORT else None
    if simple:
        name, offset, read = simple
        base = values.get(name)
        if base is None:
            return None
        place = (base + offset) & ((1 << 8 * pointer_size) - 1)
        found = word(place) if read else place
        if found is None:
            raise MemoryUnavailable(place, pointer_size)
        return found
    machine = _Machine(values, word, pointer_size)
    try:
        for token in words:
            machine.step(token)
        result = machine.pop()
    except _UnknownValue:
        return None
    if machine.stack:
        _broken(f"expected one value at the end, found {len(machine.stack) + 1}")
    return result


@lru_cache(4096)
def _simple(words: tuple[str, ...]) -> tuple[str, int, bool] | None:
    """(name, offset, whether memory is read) for `name offset +` and `name offset + ^`: nearly all there are."""
    if len(words) not in (3, 4) or words[2] not in ("+", "-") or words[3:] not in ((), ("^",)):
        return None
    name, number, sign = words[:3]
    if not _NUMBER.fullmatch(number) or _NUMBER.fullmatch(name) or name in _OPERATORS or name in "^=":
        return None
    return name, int(number) if sign == "+" else -int(number), len(words) == 4


def run(program: str, variables: MutableMapping[str, int], word: ReadWord, pointer_size: int) -> set[str] | None:
    """Run a program of assignments, which change `variables`; gives the `$` names that have got a value.

    None when it uses a name without a value. Raises as `evaluate` does.
    """
    machine = _Machine(variables, word, pointer_size)
    assigned: set[str] = set()
    try:
        # Visual Studio 2010 wrote `=` and the next word together.
        for token in program.replace("=", " = ").split():
            if token != "=":
                machine.step(token)
                continue
            undefined = machine.stack[-1:] == [UNDEFINED]
            value = machine.stack.pop() if undefined else machine.pop()
            name = machine.stack.pop() if machine.stack else ""
            if not isinstance(name, str) or not name.startswith("$"):
                _broken(f"expected a `$` name to assign to, found {name!r}")
            if isinstance(value, int):
                variables[name] = value
                assigned.add(name)
            else:
                variables.pop(name, None)
                assigned.discard(name)
    except _UnknownValue:
        return None
    if machine.stack:
        _broken(f"expected nothing to be left at the end, found {len(machine.stack)} values")
    return assigned


class _UnknownValue(Exception):  # noqa: N818 - never leaves this file
    pass


class _Machine:
    def __init__(self, values: Mapping[str, int], word: ReadWord, pointer_size: int) -> None:
        self.stack: list[int | str] = []
        self.values = values
        self.word = word
        self.pointer_size = pointer_size
        self.mask = (1 << 8 * pointer_size) - 1

    def step(self, token: str) -> None:
        operate = _OPERATORS.get(token)
        if operate:
            right = self.pop()
            self.stack.append(operate(self.pop(), right) & self.mask)
        elif token == "^":
            address = self.pop()
            value = self.word(address)
            if value is None:
                raise MemoryUnavailable(address, self.pointer_size)
            self.stack.append(value)
        elif _NUMBER.fullmatch(token):
            self.stack.append(int(token) & self.mask)
        else:
            self.stack.append(token)

    def pop(self) -> int:
        if not self.stack:
            _broken("expected one more operand")
        value = self.stack.pop()
        if isinstance(value, str):
            if value not in self.values:
                raise _UnknownValue
            return self.values[value] & self.mask
        return value


def _divide(left: int, right: int) -> int:
    return left // right if right else _broken("division by 0")


def _remainder(left: int, right: int) -> int:
    return left % right if right else _broken("division by 0")


def _align(left: int, right: int) -> int:
    if right == 0 or right & right - 1:
        _broken(f"expected a power of two to align to, found {right}")
    return left & -right


_OPERATORS = {"+": add, "-": sub, "*": mul, "/": _divide, "%": _remainder, "@": _align}


def _broken(problem: str) -> NoReturn:
    raise FormatError("postfix program", problem)
