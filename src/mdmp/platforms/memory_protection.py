"""Memory protection and state constants of Windows.

Source: winnt.h (PAGE_*, MEM_*), Microsoft's "Memory protection constants".
"""

PAGE_GUARD = 0x100

_LETTERS = {
    0x01: "---",  # PAGE_NOACCESS
    0x02: "r--",  # PAGE_READONLY
    0x04: "rw-",  # PAGE_READWRITE
    0x08: "rw-",  # PAGE_WRITECOPY
    0x10: "--x",  # PAGE_EXECUTE
    0x20: "r-x",  # PAGE_EXECUTE_READ
    0x40: "rwx",  # PAGE_EXECUTE_READWRITE
    0x80: "rwx",  # PAGE_EXECUTE_WRITECOPY
}
STATES = {0x1000: "commit", 0x2000: "reserve", 0x10000: "free"}
TYPES = {0x20000: "private", 0x40000: "mapped", 0x1000000: "image"}


def permissions(protection: int) -> str:
    """`r-x` letters of a PAGE_* value; empty for 0 (reserved or free memory has none)."""
    return _LETTERS.get(protection & 0xFF, "")
