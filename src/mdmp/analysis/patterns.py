"""What a pointer's value tells by itself: null, fill bytes of allocators and compilers, text, impossible addresses.

Sources of the fill values: Microsoft's CRT debug heap documentation (crtdbg.h), Windows heap and Application
Verifier documentation, mozilla (memory/build, mozilla/Poison.h), chromium (partition_alloc constants), jemalloc and
FreeBSD malloc(3), LLVM (-ftrivial-auto-var-init=pattern), WebKit (CRASH()), Crashpad (sanitized dumps).
"""

from dataclasses import dataclass

NULL_LIMIT = 0x10000
"""Windows never maps the first 64 KiB, and other systems hardly ever: below lies null plus an offset."""

FIELD_LIMIT = 0x1000
"""How far from a fill value an address still counts as a field of an object there."""


@dataclass(frozen=True, slots=True)
class Pattern:
    kind: str
    """`null`, `freed`, `uninitialized`, `guard`, `poison`, `text`, `non-canonical`, `kernel`, `negative` or
    `sanitized`."""
    text: str
    """The fact in words, to follow the value: `fill of freed memory (HeapFree under a debugger)`."""
    offset: int = 0
    """Distance of the value from the pattern itself (or from null)."""


_FILLS_32 = {
    0xFEEEFEEE: ("freed", "memory freed by HeapFree (debug heap)"),
    0xBAADF00D: ("uninitialized", "heap memory never written (debug heap)"),
    0xDEADBEEF: ("poison", "the marker deadbeef"),
    0xDEADC0DE: ("poison", "the marker deadc0de"),
    0xBBADBEEF: ("poison", "WebKit's deliberate crash"),
    0xFBADBEEF: ("poison", "WebKit's deliberate crash"),
    0xDEADDEAD: ("poison", "the marker deaddead"),
    0xFEEDFACE: ("poison", "the marker feedface"),
    0xCAFEBABE: ("poison", "the marker cafebabe"),
}
_FILL_BYTES = {
    0xDD: ("freed", "memory freed in the C runtime's debug heap"),
    0xE5: ("freed", "memory freed in Firefox's jemalloc"),
    0x5A: ("freed", "memory freed in jemalloc"),
    0xEF: ("freed", "memory freed into a quarantine"),
    0xF0: ("freed", "memory freed under Application Verifier"),
    0xCD: ("uninitialized", "heap memory never written (C runtime's debug heap)"),
    0xCC: ("uninitialized", "stack memory never written (debug build)"),
    0xC0: ("uninitialized", "heap memory never written (Application Verifier)"),
    0xA5: ("uninitialized", "heap memory never written (jemalloc)"),
    0xAA: ("uninitialized", "a variable never written (pattern initialization)"),
    0xAB: ("guard", "the guard after a heap block (HeapAlloc, debug heap)"),
    0xFD: ("guard", "the guard around a heap block (C runtime's debug heap)"),
    0xFA: ("guard", "the guard after a heap block (Application Verifier)"),
}
_SANITIZED = 0x0DEFACED0DEFACED


def recognize(value: int, pointer_size: int) -> Pattern | None:
    """What a pointer-sized value is when it cannot be a good pointer; None when nothing is known against it."""
    bits = 8 * pointer_size
    mask = (1 << bits) - 1
    value &= mask
    if value < NULL_LIMIT:
        return Pattern("null", "null" if value == 0 else f"null + {value:#x}", value)
    if value == _SANITIZED & mask:
        return Pattern("sanitized", "a value removed from the dump for privacy")
    if found := _fill(value, pointer_size):
        return found
    if mask - value < NULL_LIMIT:
        distance = value - (mask + 1)
        return Pattern("negative", f"-{-distance:#x}: an error value or null with a negative offset", distance)
    if text := _text(value, pointer_size):
        return Pattern("text", f'bytes of text ("{text}")')
    if pointer_size == 8 and not is_canonical(value):
        return Pattern("non-canonical", "not a possible address on this CPU")
    if pointer_size == 8 and value >> 63:
        return Pattern("kernel", "an address of the kernel's half")
    return None


def is_canonical(address: int) -> bool:
    """Are bits 47 to 63 of an amd64 address all equal, as the processor demands?"""
    top = address >> 47
    return top in (0, 0x1FFFF)


def _fill(value: int, pointer_size: int) -> Pattern | None:
    mask = (1 << 8 * pointer_size) - 1
    repeat = 1 if pointer_size == 4 else 0x1_0000_0001
    for base, (kind, text) in _FILLS_32.items():
        for fill in {base * repeat, base}:
            if _near(offset := value - fill):
                return Pattern(kind, text, offset)
    # A field's offset changes only the low bytes, a carry at most the third: the top byte names the candidate.
    if found := _FILL_BYTES.get(value >> 8 * (pointer_size - 1)):
        fill = (value >> 8 * (pointer_size - 1)) * (mask // 0xFF)
        if _near(offset := value - fill):
            return Pattern(*found, offset)
    return None


def _near(offset: int) -> bool:
    return -0x100 <= offset < FIELD_LIMIT


def _text(value: int, pointer_size: int) -> str | None:
    """The value as readable text: ASCII, or UTF-16 with a zero after each letter."""
    raw = value.to_bytes(pointer_size, "little")
    if pointer_size == 4:
        wide = raw[::2] if raw[1::2] == b"\0\0" else b""
        least = 4
    else:
        wide = raw[::2] if raw[1::2] == b"\0\0\0\0" else b""
        raw = raw.rstrip(b"\0")
        least = 7  # six bytes and less are good addresses
    for letters, need in ((raw, least), (wide, len(wide) or 99)):
        if len(letters) >= need and all(0x20 <= byte < 0x7F for byte in letters):
            return letters.decode("ascii")
    return None
