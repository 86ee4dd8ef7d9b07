"""Where in the code a fault happened: `libshop.so+0x1234`, the same for each run of a program."""

from __future__ import annotations

import re
from collections.abc import Callable

SEARCHED = 8192
"""Bytes of the stack that `first_place` wants to look through."""


def first_place(
    address: int, stack: bytes, word: int, locate: Callable[[int], tuple[str, int] | None], raisers: re.Pattern[str]
) -> str:
    """Of an instruction; where that is in a file that only raises for others (`raisers`), or in none, of the first one
    on the stack that may have called it. Empty when there is none.

    `stack` begins at the stack pointer and has words of `word` bytes. `locate` tells the name of the file whose code is
    at an address, and the offset in it.
    """
    found = locate(address)
    if found is None or raisers.fullmatch(found[0]):
        words = (int.from_bytes(stack[at : at + word], "little") for at in range(0, len(stack) - word + 1, word))
        callers = (caller for value in words if (caller := locate(value)) and not raisers.fullmatch(caller[0]))
        found = next(callers, found)
    return f"{found[0]}+{found[1]:#x}" if found else ""
