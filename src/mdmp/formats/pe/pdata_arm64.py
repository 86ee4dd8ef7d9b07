"""ARM64 exception data: packed `.pdata` entries and full `.xdata` records, as lists of unwind codes.

Names and layouts from Microsoft's "ARM64 exception handling". One code stands for one instruction. A packed entry
describes a prolog of a standard form; it is spelled out in the same codes here, so that there is one thing to evaluate.
"""

from typing import NamedTuple

from mdmp.errors import FormatError
from mdmp.formats.pe import wire
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.pdata import bisect_entries

PACKED, PACKED_FRAGMENT = 1, 2

_CHUNK = 256
_MAX_CODE_BYTES = 255 * 4
_SIMPLE = {
    0xE1: "set_fp",
    0xE3: "nop",
    0xE4: "end",
    0xE5: "end_c",
    0xE6: "save_next",
    0xE8: "trap_frame",
    0xE9: "machine_frame",
    0xEA: "context",
    0xEC: "clear_unwound_to_call",
    0xFC: "pac_sign_lr",
}


class UnwindCode(NamedTuple):
    """One instruction of a prolog (undone when unwinding) or epilog (done).

    op: `alloc` (sp falls by `size`), `save` (`registers` are at sp + `size`), `save_x` (sp falls by `size`, then they
    are at sp), `set_fp` (x29 is sp), `add_fp` (x29 is sp + `size`), `save_next` (the next pair, above the one saved by
    the code that follows in the list), `end`, `end_c` (the rest belongs to the part of the function that this one
    continues), and others by their documented names.
    """

    op: str
    size: int = 0
    registers: tuple[str, ...] = ()


class Unwind(NamedTuple):
    begin: int
    """RVA of the code."""
    size: int
    """Of the code, in bytes."""
    codes: tuple[UnwindCode, ...]
    """How to unwind from the body: what the prolog did, last instruction first."""
    prolog: int
    """How many instructions at `begin` do that; 0 for a part without a prolog of its own."""
    epilogs: tuple[tuple[int, tuple[UnwindCode, ...]], ...]
    """(offset of the first instruction, what it and the following do); a return comes after the last."""
    handler: int | None
    """RVA of the exception handler."""


def find_unwind(image: PeImage, rva: int) -> Unwind | None:
    """How to unwind from `rva`; None when no entry covers it (a leaf function, or no code).

    Raises `FormatError` or `MemoryUnavailable`.
    """
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_EXCEPTION)
    if place is None:
        return None
    table, low, high = place[0], 0, place[1] // 8
    read = image.data.read
    while high - low > _CHUNK:
        middle = (low + high) // 2
        if int.from_bytes(read(table + 8 * middle, 4), "little") <= rva:
            low = middle
        else:
            high = middle
    raw = read(table + 8 * low, 8 * (high - low))
    index = bisect_entries(raw, 8, rva)
    if index < 0:
        return None
    begin = int.from_bytes(raw[8 * index : 8 * index + 4], "little")
    data = int.from_bytes(raw[8 * index + 4 : 8 * index + 8], "little")
    flag = data & 3
    if flag == 3:
        raise FormatError("RUNTIME_FUNCTION.Flag", "expected 0 to 2; found 3", begin)
    found = read_packed(begin, data) if flag else read_record(image, begin, data)
    return found if rva < begin + found.size else None


def read_record(image: PeImage, begin: int, rva: int) -> Unwind:
    """The `.xdata` record at `rva`, of the code at `begin`. Raises `FormatError` or `MemoryUnavailable`."""
    read = image.data.read
    first = int.from_bytes(read(rva, 4), "little")
    if first >> 18 & 3:
        raise FormatError("xdata.Vers", f"expected 0; found {first >> 18 & 3}", rva)
    size, has_handler, single = (first & 0x3FFFF) * 4, first >> 20 & 1, first >> 21 & 1
    scopes, words, at = first >> 22 & 0x1F, first >> 27, rva + 4
    if scopes == 0 and words == 0:
        more = int.from_bytes(read(at, 4), "little")
        scopes, words, at = more & 0xFFFF, more >> 16 & 0xFF, at + 4
    table = read(at, 0 if single else 4 * scopes)
    at += len(table)
    raw = read(at, 4 * words)
    handler = int.from_bytes(read(at + len(raw), 4), "little") if has_handler else None
    starts = _boundaries(raw, rva)
    codes = _decode(raw, 0, rva)
    prolog = next((i for i, code in enumerate(codes) if code.op in ("end", "end_c")), len(codes))
    epilogs = []
    if single:
        ending = _epilog(raw, scopes, starts, rva)
        epilogs.append((size - 4 * (len(ending) + 1), ending))
    decoded: dict[int, tuple[UnwindCode, ...]] = {}
    for i in range(0, len(table), 4):
        scope = int.from_bytes(table[i : i + 4], "little")
        index = scope >> 22
        if index not in decoded:
            decoded[index] = _epilog(raw, index, starts, rva)
        epilogs.append(((scope & 0x3FFFF) * 4, decoded[index]))
    return Unwind(begin, size, tuple(code for code in codes if code.op != "end"), prolog, tuple(epilogs), handler)


def read_packed(begin: int, data: int) -> Unwind:
    """A packed entry: `data` is its second word."""
    size = (data >> 2 & 0x7FF) * 4
    floats, integers, homes, chain = data >> 13 & 7, data >> 16 & 15, data >> 20 & 1, data >> 21 & 3
    frame = (data >> 23) * 16
    integer_size = 8 * integers + (8 if chain == 1 else 0)
    float_size = 8 * floats + (8 if floats else 0)
    saved = integer_size + float_size + 64 * homes + 15 & ~15
    local = frame - saved
    if integers > 10 or local < 0:
        raise FormatError("RUNTIME_FUNCTION", f"expected a frame of at least {saved} bytes; found {frame}", begin)
    code: list[UnwindCode] = []  # in the order of the prolog
    if chain == 2:
        code.append(UnwindCode("pac_sign_lr"))
    names = [f"x{19 + i}" for i in range(integers)] + (["x30"] if chain == 1 else [])
    groups = _pairs(names, 0) + _pairs([f"d{8 + i}" for i in range(floats + 1 if floats else 0)], integer_size)
    for i, (registers, offset) in enumerate(groups):
        if i == 0 and registers == ("x19", "x30"):  # there is no code for this pair that also makes room
            code += [UnwindCode("alloc", saved), UnwindCode("save", 0, registers)]
        else:
            code.append(UnwindCode("save", offset, registers) if i else UnwindCode("save_x", saved, registers))
    # Arguments are stored for the debugger's sake only; the first store makes the room when nothing else does.
    code += [UnwindCode("nop")] * (4 * homes)
    if homes and not groups:
        code[-4] = UnwindCode("alloc", saved)
    if chain >= 2 and local <= 512:
        code += [UnwindCode("save_x", local, ("x29", "x30")), UnwindCode("set_fp")]
    else:
        if local > 4080:
            code += [UnwindCode("alloc", 4080), UnwindCode("alloc", local - 4080)]
        elif local:
            code.append(UnwindCode("alloc", local))
        if chain >= 2:
            code += [UnwindCode("save", 0, ("x29", "x30")), UnwindCode("set_fp")]
    code.reverse()
    if data & 3 == PACKED_FRAGMENT:
        return Unwind(begin, size, tuple(code), 0, (), None)
    ending = tuple(step for step in code if step.op not in ("set_fp", "nop"))
    return Unwind(begin, size, tuple(code), len(code), ((size - 4 * (len(ending) + 1), ending),), None)


def _pairs(names: list[str], offset: int) -> list[tuple[tuple[str, ...], int]]:
    """Two registers an instruction; x30 goes with the last integer register if that has no partner."""
    return [(tuple(names[i : i + 2]), offset + 8 * i) for i in range(0, len(names), 2)]


def _boundaries(raw: bytes, rva: int) -> frozenset[int]:
    """Where codes start."""
    starts, at = set(), 0
    while at < len(raw):
        starts.add(at)
        at += _length(raw[at])
    return frozenset(starts)


def _length(byte: int) -> int:
    """Bytes of a code that begins with `byte`."""
    if byte < 0xC0 or byte == 0xE1 or 0xE3 <= byte <= 0xE6 or 0xE8 <= byte <= 0xF7 or byte >= 0xFC:
        return 1
    if byte < 0xE0 or byte in (0xE2, 0xF8):
        return 2
    return {0xE7: 3, 0xF9: 3, 0xE0: 4, 0xFA: 4, 0xFB: 5}[byte]


def _epilog(raw: bytes, index: int, starts: frozenset[int], rva: int) -> tuple[UnwindCode, ...]:
    """What an epilog does, without the return at its end."""
    if index not in starts:
        raise FormatError("xdata.EpilogStartIndex", f"expected the start of a code; found {index}", rva)
    codes = _decode(raw, index, rva)
    end = next((i for i, code in enumerate(codes) if code.op in ("end", "end_c")), len(codes))
    return codes[:end]


def _decode(raw: bytes, at: int, rva: int) -> tuple[UnwindCode, ...]:
    """The codes from `at` to the first `end`."""
    codes: list[UnwindCode] = []
    raw = raw[:_MAX_CODE_BYTES]
    while at < len(raw):
        byte = raw[at]
        size = _length(byte)
        if at + size > len(raw):
            raise FormatError("xdata", f"expected {size} bytes of an unwind code; found {len(raw) - at}", rva)
        code = _code(byte, raw[at + 1 : at + size])
        if code is None:
            raise FormatError("xdata", f"expected an unwind code; found {byte:#x}", rva)
        codes.append(code)
        if code.op == "end":
            break
        at += size
    return tuple(codes)


def _code(byte: int, rest: bytes) -> UnwindCode | None:
    if byte < 0x20:
        return UnwindCode("alloc", byte * 16)
    if byte < 0x40:
        return UnwindCode("save_x", (byte & 0x1F) * 8, ("x19", "x20"))
    if byte < 0x80:
        return UnwindCode("save", (byte & 0x3F) * 8, ("x29", "x30"))
    if byte < 0xC0:
        return UnwindCode("save_x", (byte & 0x3F) * 8 + 8, ("x29", "x30"))
    if byte in _SIMPLE:
        return UnwindCode(_SIMPLE[byte])
    if byte == 0xE0:
        return UnwindCode("alloc", int.from_bytes(rest, "big") * 16)
    if byte == 0xE2:
        return UnwindCode("add_fp", rest[0] * 8)
    if byte == 0xE7:
        return _any_register(rest)
    if byte > 0xDE:
        return None
    word = byte << 8 | rest[0]
    if byte < 0xC8:
        return UnwindCode("alloc", (word & 0x7FF) * 16)
    number, offset = word >> 6 & 15, (word & 0x3F) * 8
    if byte < 0xCC:
        return UnwindCode("save", offset, (f"x{19 + number}", f"x{20 + number}"))
    if byte < 0xD0:
        return UnwindCode("save_x", offset + 8, (f"x{19 + number}", f"x{20 + number}"))
    if byte < 0xD4:
        return UnwindCode("save", offset, (f"x{19 + number}",))
    if byte < 0xD6:
        return UnwindCode("save_x", (word & 0x1F) * 8 + 8, (f"x{19 + (word >> 5 & 15)}",))
    number &= 7
    if byte < 0xD8:
        return UnwindCode("save", offset, (f"x{19 + 2 * number}", "x30"))
    if byte < 0xDA:
        return UnwindCode("save", offset, (f"d{8 + number}", f"d{9 + number}"))
    if byte < 0xDC:
        return UnwindCode("save_x", offset + 8, (f"d{8 + number}", f"d{9 + number}"))
    if byte < 0xDE:
        return UnwindCode("save", offset, (f"d{8 + number}",))
    return UnwindCode("save_x", (word & 0x1F) * 8 + 8, (f"d{8 + (word >> 5 & 7)}",))


def _any_register(rest: bytes) -> UnwindCode | None:
    """save_any_reg: any general, double or quad register, alone or with the next."""
    pair, grows, number = rest[0] >> 6 & 1, rest[0] >> 5 & 1, rest[0] & 0x1F
    kind, offset = rest[1] >> 6, rest[1] & 0x3F
    if rest[0] & 0x80 or kind == 3:
        return None
    scale = 16 if pair or grows or kind == 2 else 8
    names = tuple(f"{'xdq'[kind]}{n}" for n in range(number, number + 1 + pair))
    return UnwindCode("save_x", offset * 16 + 16, names) if grows else UnwindCode("save", offset * scale, names)
