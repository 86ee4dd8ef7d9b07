"""Stowed exceptions: errors that a Windows Runtime application had collected before it ended with 0xC000027B.

Source: Microsoft's documentation of STOWED_EXCEPTION_INFORMATION_HEADER, _V1 and _V2. The record's first parameter
points to an array of pointers, the second is their number.
"""

from dataclasses import dataclass

from mdmp.snapshot import ExceptionRecord, MemoryReader

CODE = 0xC000027B
_SIGNATURES = (0x53453031, 0x53453032)  # 'SE01', 'SE02'
_MAX = 32
_MAX_TEXT = 2048


@dataclass(frozen=True, slots=True)
class StowedException:
    hresult: int
    form: str
    """`binary` (with the stack where it happened) or `text`."""
    tid: int
    address: int | None = None
    """Where the error arose, binary form only."""
    stack: tuple[int, ...] = ()
    """Return addresses of the place where the error arose, innermost first."""
    text: str | None = None
    nested: str | None = None
    """Kind of the nested object as four letters: `W32E`, `STOW`, `CLR1`, `LEO1`…"""


def stowed_exceptions(
    record: ExceptionRecord, memory: MemoryReader, pointer_size: int
) -> tuple[StowedException, ...] | None:
    """What was stowed; None when the record is no such one or memory does not hold the array."""
    if record.code != CODE or len(record.parameters) < 2:
        return None
    array, count = record.parameters[0], min(record.parameters[1], _MAX)
    found = []
    for i in range(count):
        address = memory.word(array + i * pointer_size, pointer_size)
        if address and (one := _one(memory, address, pointer_size)):
            found.append(one)
    return tuple(found) or None


def _one(memory: MemoryReader, at: int, pointer_size: int) -> StowedException | None:
    signature = memory.word(at + 4, 4)
    hresult, packed = memory.word(at + 8, 4), memory.word(at + 12, 4)
    if signature not in _SIGNATURES or hresult is None or packed is None:
        return None
    pointer = memory.word(at + 16, pointer_size)
    nested = None
    if signature == _SIGNATURES[1] and (kind := memory.word(at + 24 + 2 * pointer_size, 4)):
        nested = kind.to_bytes(4, "big").decode("latin-1")
    tid = packed >> 2 << 2
    if packed & 3 == 2:
        raw = memory.read_some(pointer, _MAX_TEXT) if pointer else b""
        text = raw[: len(raw) & ~1].decode("utf-16-le", "replace").partition("\0")[0]
        return StowedException(hresult, "text", tid, text=text or None, nested=nested)
    return StowedException(hresult, "binary", tid, pointer, _stack(memory, at, pointer_size), nested=nested)


def _stack(memory: MemoryReader, at: int, pointer_size: int) -> tuple[int, ...]:
    size, count = memory.word(at + 16 + pointer_size, 4), memory.word(at + 20 + pointer_size, 4)
    where = memory.word(at + 24 + pointer_size, pointer_size)
    if size not in (4, 8) or not count or not where:
        return ()
    words = (memory.word(where + i * size, size) for i in range(min(count, 256)))
    return tuple(word for word in words if word)
