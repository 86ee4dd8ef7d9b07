"""Memory protection and state constants of Windows.

Source: winnt.h (PAGE_*, MEM_*), Microsoft's "Memory protection constants".
"""

PAGE_GUARD = 0x100
PAGE_NOCACHE = 0x200
PAGE_WRITECOMBINE = 0x400

_BASE = {
    0x01: ("PAGE_NOACCESS", "---"),
    0x02: ("PAGE_READONLY", "r--"),
    0x04: ("PAGE_READWRITE", "rw-"),
    0x08: ("PAGE_WRITECOPY", "rw-"),
    0x10: ("PAGE_EXECUTE", "--x"),
    0x20: ("PAGE_EXECUTE_READ", "r-x"),
    0x40: ("PAGE_EXECUTE_READWRITE", "rwx"),
    0x80: ("PAGE_EXECUTE_WRITECOPY", "rwx"),
}
_MODIFIERS = {
    PAGE_GUARD: "PAGE_GUARD",
    PAGE_NOCACHE: "PAGE_NOCACHE",
    PAGE_WRITECOMBINE: "PAGE_WRITECOMBINE",
    0x40000000: "PAGE_TARGETS_INVALID",
    0x80000000: "PAGE_ENCLAVE_UNVALIDATED",
}
STATES = {0x1000: "commit", 0x2000: "reserve", 0x10000: "free"}
TYPES = {0x20000: "private", 0x40000: "mapped", 0x1000000: "image"}


def permissions(protection: int) -> str:
    """`r-x` letters of a PAGE_* value; empty for 0 (reserved or free memory has none)."""
    return _BASE.get(protection & 0xFF, ("", ""))[1]


def protection_text(protection: int) -> str:
    """`PAGE_READWRITE | PAGE_GUARD`; unknown bits in hex, empty for 0."""
    parts = [_BASE[protection & 0xFF][0]] if protection & 0xFF in _BASE else []
    rest = protection & ~0xFF if parts else protection
    for bit, name in _MODIFIERS.items():
        if rest & bit:
            parts.append(name)
            rest &= ~bit
    if rest:
        parts.append(f"{rest:#x}")
    return " | ".join(parts)
