"""arm64 instructions at the place where a thread stands: is its return address still in x30?

Every instruction has 4 bytes, so the code ahead can be read without following it: what uses x30 first tells.
"""

from mdmp.unwind.callsite import arm64_call_before

MAX_CODE = 256
_LINK = 30
_RETURNS = (0xD65F03C0, 0xD65F0BFF, 0xD65F0FFF)
"""ret, retaa, retab"""


def link_is_live(code: bytes) -> bool | None:
    """Does x30 hold the return address before the first instruction of `code`?

    A return uses it and a store saves it; a call or a load overwrites it, so it has been saved already. None: the
    code ends or goes elsewhere before any of these.
    """
    for i in range(0, len(code) - 3, 4):
        word = int.from_bytes(code[i : i + 4], "little")
        if word in _RETURNS or _stores_link(word):
            return True
        if arm64_call_before(code[i : i + 4]) or _stores_link(word ^ 1 << 22):
            return False
        if word >> 26 == 0x05 or word & 0xFE1F0000 == 0xD61F0000:  # b; br or ret by another register
            return None
        if word >> 16 == 0 or word & 0xFFE0001F == 0xD4200000:  # udf, brk: what follows may be another function
            return None
    return None


def _stores_link(word: int) -> bool:
    """str or stp of x30, whatever the addressing; bit 22 makes it a load."""
    if word & 0xFE400000 == 0xA8000000:
        return word & 31 == _LINK or word >> 10 & 31 == _LINK
    return word & 31 == _LINK and (word & 0xFFE00000 == 0xF8000000 or word & 0xFFC00000 == 0xF9000000)
