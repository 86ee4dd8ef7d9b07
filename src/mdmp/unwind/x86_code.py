"""x86 and amd64 instructions at the place where a thread stands, when they alone tell where the caller is.

A few instructions that only move the stack pointer and end in a return can be carried out by hand; the first
instructions of a function that sets up a frame pointer have not yet hidden the return address.
"""

from collections.abc import Callable

MAX_CODE = 32
_MAX_STEPS = 16
_X86 = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")
_AMD64 = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))

Word = Callable[[int], int | None]


def run_to_return(code: bytes, registers: dict[str, int], word: Word, wide: bool) -> dict[str, int] | None:
    """The registers after the return that `code` leads to by stack instructions only; None when it does not.

    `wide`: amd64. The stack pointer is left above the return address, whatever a `ret n` removes on top of it.
    """
    names, size, pc, sp_name, fp_name = (_AMD64, 8, "rip", "rsp", "rbp") if wide else (_X86, 4, "eip", "esp", "ebp")
    after = dict(registers)
    sp = registers[sp_name]
    i = 0
    for _ in range(_MAX_STEPS):
        high = 0
        if wide and code[i : i + 1] in (b"\x48", b"\x41", b"\x49") and i + 1 < len(code):
            high = 8 if code[i] & 1 else 0
            i += 1
        op = code[i : i + 2]
        if not op:
            return None
        if 0x58 <= op[0] <= 0x5F:
            value = word(sp)
            if value is None:
                return None
            after[names[op[0] - 0x58 + high]] = value
            sp, i = sp + size, i + 1
        elif op == b"\x83\xc4":  # add sp, imm8
            sp, i = sp + int.from_bytes(code[i + 2 : i + 3], "little", signed=True), i + 3
        elif op == b"\x81\xc4":  # add sp, imm32
            sp, i = sp + int.from_bytes(code[i + 2 : i + 6], "little", signed=True), i + 6
        elif op in (b"\x8b\xe5", b"\x89\xec", b"\x8d\x65") or op[0] == 0xC9:
            # mov sp, fp; lea sp, [fp + n]; leave
            if fp_name not in after:
                return None
            sp = after[fp_name]
            if op == b"\x8d\x65":
                sp, i = sp + int.from_bytes(code[i + 2 : i + 3], "little", signed=True), i + 3
            elif op[0] == 0xC9:
                saved = word(sp)
                if saved is None:
                    return None
                after[fp_name] = saved
                sp, i = sp + size, i + 1
            else:
                i += 2
        elif op[0] in (0xC3, 0xC2) or op == b"\xf3\xc3":
            target = word(sp)
            if target is None:
                return None
            after[pc], after[sp_name] = target, sp + size
            return after
        else:
            return None
    return None


def undo_frame_setup(
    before: bytes, code: bytes, registers: dict[str, int], word: Word, wide: bool
) -> dict[str, int] | None:
    """The caller's registers for a thread that stands before `push fp` or between it and `mov fp, sp`, else None."""
    size, pc, sp_name, fp_name = (8, "rip", "rsp", "rbp") if wide else (4, "eip", "esp", "ebp")
    moves = (b"\x48\x89\xe5", b"\x48\x8b\xec") if wide else (b"\x89\xe5", b"\x8b\xec")
    sp = registers[sp_name]
    if code.startswith((b"\x8b\xff\x55", b"\x55" + moves[0], b"\x55" + moves[1])):
        target = word(sp)
        saved = registers.get(fp_name)
    elif code.startswith(moves) and before.endswith(b"\x55"):
        saved, target = word(sp), word(sp + size)
        sp += size
    else:
        return None
    if target is None or saved is None:
        return None
    return {**registers, pc: target, sp_name: sp + size, fp_name: saved}
