"""The last resort: look for a word on the stack that looks like a return address."""

from mdmp.unwind.code import Code
from mdmp.unwind.stack import StackWords

MAX_CHECKED_WORDS = 1024
"""How far to look for a word behind a call instruction."""
MAX_WEAK_WORDS = 40
"""How far to accept a word that merely lies in code whose bytes are not at hand; four times that for the context."""


def find_return_address(
    sp: int, size: int, stack: StackWords, code: Code, first: bool, *, slot: int | None = None, end: int | None = None
) -> tuple[int, int] | None:
    """(where, return address) of the first likely word from `sp` upwards (below `end`), or None.

    A word that is not behind a call is passed over where the code's bytes can be read; where they cannot, it counts
    only near `sp`, because a stack is full of old addresses, and, where the ABI aligns the stack at calls, at
    addresses that are `slot` modulo 16.
    """
    at = (sp + size - 1) & -size
    weak = at + size * MAX_WEAK_WORDS * (4 if first else 1)
    end = min(at + size * MAX_CHECKED_WORDS, stack.high, end or stack.high)
    after_call = code.is_after_call
    while at < end:
        value = stack.word(at)
        if value is None:
            return None
        if value > 0xFFFF:
            found = after_call(value)
            if found or (found is None and at < weak and (slot is None or at & 15 == slot)):
                return at, value
        at += size
    return None
