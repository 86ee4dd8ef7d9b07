"""Does a call instruction stand right before an address? Then the address can be a return address."""

MAX_CALL = 7
"""Bytes of the longest call instruction looked at (x86: without prefixes, which change nothing here)."""


def x86_call_before(code: bytes) -> int | None:
    """Looks at the end of `code`, the bytes before an address: x86 and amd64 alike.

    Gives the displacement of a direct call (target minus the address), 0 for an indirect one, None for no call.
    """
    if len(code) >= 5 and code[-5] == 0xE8:
        return int.from_bytes(code[-4:], "little", signed=True)
    for size in range(2, min(len(code), MAX_CALL) + 1):
        if code[-size] == 0xFF:
            modrm = code[1 - size]
            if modrm >> 3 & 7 == 2 and size == 2 + _operand_size(modrm, code[2 - size] if size > 2 else 0):
                return 0
    return None


def x86_far_call_before(code: bytes) -> bool:
    """32-bit only: a call with selector and offset, as WOW64 code uses it."""
    return len(code) >= 7 and code[-7] == 0x9A


def arm64_call_before(code: bytes) -> bool:
    """BL, BLR, or BLR with pointer authentication."""
    if len(code) < 4:
        return False
    word = int.from_bytes(code[-4:], "little")
    if word >> 26 == 0x25 or word & 0xFFFFFC1F == 0xD63F0000:  # bl, blr
        return True
    return word & 0xFFFFF81F == 0xD63F081F or word & 0xFFFFF800 == 0xD73F0800  # blraaz, blrabz; blraa, blrab


def arm_call_before(code: bytes, thumb: bool) -> bool:
    """BL or BLX, in ARM or Thumb code."""
    if thumb:
        if len(code) >= 2 and code[-1] == 0x47 and code[-2] & 0x87 == 0x80:  # blx register
            return True
        # bl, blx: two halfwords, 11110… 11x…
        return len(code) >= 4 and code[-3] & 0xF8 == 0xF0 and code[-1] & 0xC0 == 0xC0
    if len(code) < 4:
        return False
    word = int.from_bytes(code[-4:], "little")
    return word >> 24 & 0xF == 0xB or word >> 25 == 0x7D or word & 0x0FFFFFF0 == 0x012FFF30


def _operand_size(modrm: int, sib: int) -> int:
    """Bytes of SIB and displacement that follow a ModRM byte."""
    mode, rm = modrm >> 6, modrm & 7
    if mode == 3:
        return 0
    extra = 1 if rm == 4 else 0
    if mode == 1:
        return extra + 1
    if mode == 2 or rm == 5 or (rm == 4 and sib & 7 == 5):
        return extra + 4
    return extra
