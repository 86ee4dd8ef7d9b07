"""Rules out of x64 UNWIND_INFO: body, prolog half done, epilog half done, leaf functions, machine frames."""

from mdmp.arch.amd64 import UNWIND_REGISTERS
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import pdata
from mdmp.formats.pe.pdata import UnwindImage
from mdmp.unwind.rule import Rule

LEAF = Rule("rsp", 8, -8, ())
"""No entry in the table: the function changes neither the stack pointer nor saved registers."""

_MAX_EPILOG = 40


Bodies = dict[bytes, Rule]
"""By the bytes of the unwind information, which few frame layouts share: the rule behind the prolog."""


def rule_at(image: UnwindImage, rva: int, exact: bool, bodies: Bodies | None = None) -> Rule:
    """The rule for an instruction of `image`; `exact` False for a return address. `bodies` keeps what is found.

    Raises `FormatError` or `MemoryUnavailable` when the tables are damaged or not there.
    """
    function = pdata.find_function(image, rva if exact else rva - 1)
    return rule_in(image, function, rva, exact, bodies) if function else LEAF


def rule_in(
    image: UnwindImage, function: pdata.RuntimeFunction, rva: int, exact: bool, bodies: Bodies | None = None
) -> Rule:
    """The rule for an instruction of a function whose entry is known; otherwise as `rule_at`."""
    offset = rva - function[0]
    raw = b""
    if bodies is not None and not exact and not function[2] & 1:
        raw = pdata.read_raw_info(image, function[2])
        if offset < raw[1] or raw[0] >> 3 & pdata.UNW_FLAG_CHAININFO:
            raw = b""  # half of a prolog, or a rule that depends on more than these bytes
        elif raw in bodies:
            return bodies[raw]
    chain = pdata.unwind_chain(image, function)
    info = chain[0][1]
    # A caller stands at a call: its epilog, if next, has not begun, so the body's rule is right for it.
    if exact and (offset >= info.prolog_size or info.chained):
        rule = _in_epilog(image, rva, chain)
        if rule is not None:
            return rule
    rule = _in_body(chain, offset)
    if raw and bodies is not None:
        bodies[raw] = rule
    return rule


def _in_body(chain: list[tuple[pdata.RuntimeFunction, pdata.UnwindInfo]], offset: int) -> Rule:
    """Undo what the prolog did up to `offset` bytes into the function."""
    first = chain[0][1]
    register = "rsp"
    frame_offset = 0
    if first.frame_register and any(code[1] == pdata.UWOP_SET_FPREG for _, info in chain for code in info.codes):
        done = offset >= first.prolog_size or first.chained is not None
        if done or any(code[1] == pdata.UWOP_SET_FPREG and code[0] <= offset for code in first.codes):
            register = UNWIND_REGISTERS[first.frame_register]
            frame_offset = first.frame_offset
    at = 0  # all places are relative to the frame base
    saves: dict[str, int] = {}
    for i, (_, info) in enumerate(chain):
        for where, op, number, operand in info.codes:
            if i == 0 and where > offset:
                continue
            if op == pdata.UWOP_PUSH_NONVOL:
                saves[UNWIND_REGISTERS[number]] = at
                at += 8
            elif op in (pdata.UWOP_ALLOC_SMALL, pdata.UWOP_ALLOC_LARGE):
                at += operand
            elif op in (pdata.UWOP_SAVE_NONVOL, pdata.UWOP_SAVE_NONVOL_FAR):
                saves[UNWIND_REGISTERS[number]] = operand
            elif op == pdata.UWOP_SET_FPREG:
                at = 0
            elif op == pdata.UWOP_PUSH_MACHFRAME:
                at += 8 if number else 0  # an error code lies below
                return _rule(register, -frame_offset, at, saves, machine_frame=True)
    return _rule(register, -frame_offset, at, saves)


def _rule(register: str, base: int, at: int, saves: dict[str, int], machine_frame: bool = False) -> Rule:
    """`at`: where the return address, or the machine frame (rip, cs, flags, rsp, ss), is, from the frame base."""
    cfa = at + 8
    placed = tuple((name, where - cfa) for name, where in saves.items() if name != "rsp")
    return Rule(register, base + cfa, -8, placed, 16 if machine_frame else None, machine_frame)


def _in_epilog(
    image: UnwindImage, rva: int, chain: list[tuple[pdata.RuntimeFunction, pdata.UnwindInfo]]
) -> Rule | None:
    """The rest of an epilog, if `rva` is in one: its instructions are known by law, so they are read."""
    function, info = chain[0]
    try:
        code = image.read(rva, max(min(_MAX_EPILOG, function[1] - rva), 0))
    except (FormatError, MemoryUnavailable):
        return _in_told_epilog(rva, chain)
    register, base, at, i = "rsp", 0, 0, 0
    if code[:3] == b"\x48\x83\xc4":  # add rsp, imm8
        at, i = int.from_bytes(code[3:4], "little", signed=True), 4
    elif code[:3] == b"\x48\x81\xc4":  # add rsp, imm32
        at, i = int.from_bytes(code[3:7], "little", signed=True), 7
    elif info.frame_register and code[:1] in b"\x48\x49" and code[1:2] == b"\x8d":
        found = _lea_rsp(code, info.frame_register)  # lea rsp, [frame register + displacement]
        if found is None:
            return None
        base, i = found
        register = UNWIND_REGISTERS[info.frame_register]
    saves: dict[str, int] = {}
    while True:
        byte = code[i] if i < len(code) else 0
        if 0x58 <= byte <= 0x5F:
            number, size = byte - 0x58, 1
        elif byte == 0x41 and i + 1 < len(code) and 0x58 <= code[i + 1] <= 0x5F:
            number, size = code[i + 1] - 0x50, 2
        else:
            break
        saves[UNWIND_REGISTERS[number]] = at
        at += 8
        i += size
    return _rule(register, base, at, saves) if _leaves(image, rva, code, i, chain) else None


def _lea_rsp(code: bytes, frame_register: int) -> tuple[int, int] | None:
    """(displacement, size) of `lea rsp, [frame register + displacement]`, None for another one."""
    if len(code) < 3 or code[2] >> 3 & 7 != 4 or (code[2] & 7 | (code[0] & 1) << 3) != frame_register:
        return None
    mode, i = code[2] >> 6, 4 if code[2] & 7 == 4 else 3  # rsp and r12 need a SIB byte
    if mode == 0:
        return 0, i
    size = {1: 1, 2: 4}.get(mode)
    return (int.from_bytes(code[i : i + size], "little", signed=True), i + size) if size else None


def _leaves(
    image: UnwindImage, rva: int, code: bytes, i: int, chain: list[tuple[pdata.RuntimeFunction, pdata.UnwindInfo]]
) -> bool:
    """Is the instruction at `code[i]` a return or a tail jump?"""
    rest = code[i : i + 6]
    if rest[:1] in (b"\xc3", b"\xc2") or rest[:2] in (b"\xf3\xc3", b"\xf2\xc3"):
        return True
    if rest[:2] == b"\xff\x25" or rest[:3] == b"\x48\xff\x25":  # jmp [rip + n]
        return True
    if len(rest) >= 3 and rest[0] & 0xF8 == 0x48 and rest[1] == 0xFF and rest[2] & 0xF8 == 0xE0:  # rex.w jmp register
        return True
    if rest[:1] == b"\xe9" and len(rest) >= 5:
        target = rva + i + 5 + int.from_bytes(rest[1:5], "little", signed=True)
    elif rest[:1] == b"\xeb" and len(rest) >= 2:
        target = rva + i + 2 + int.from_bytes(rest[1:2], "little", signed=True)
    else:
        return False
    return not _same_function(image, target, chain)


def _same_function(
    image: UnwindImage, target: int, chain: list[tuple[pdata.RuntimeFunction, pdata.UnwindInfo]]
) -> bool:
    """Does a jump stay in the function? Its parts share the primary entry at the end of their chains."""
    function = chain[0][0]
    if function[0] <= target < function[1]:
        return True
    other = pdata.find_function(image, target)
    if other is None:
        return False
    return pdata.unwind_chain(image, other)[-1][0][0] == chain[-1][0][0] and other[0] != chain[-1][0][0]


def _in_told_epilog(rva: int, chain: list[tuple[pdata.RuntimeFunction, pdata.UnwindInfo]]) -> Rule | None:
    """Version 2 says where epilogs are; they pop what the prolog pushed, and one knows how long a pop is."""
    function, info = chain[0]
    for distance, size in info.epilogs:
        done = rva - (function[1] - distance)
        if 0 <= done < size:
            saves: dict[str, int] = {}
            at = 0
            for _, op, number, _ in info.codes:
                if op == pdata.UWOP_PUSH_NONVOL:
                    done -= 1 if number < 8 else 2
                    if done < 0:
                        saves[UNWIND_REGISTERS[number]] = at
                        at += 8
            return _rule("rsp", 0, at, saves)
    return None
