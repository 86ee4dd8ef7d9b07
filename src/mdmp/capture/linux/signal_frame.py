"""What the kernel leaves on a stack for `rt_sigreturn` to go back to, on x86-64.

Sources: the kernel's arch/x86/include/uapi/asm/sigcontext.h and ucontext.h.
"""

from collections.abc import Mapping
from struct import pack, pack_into

RED_ZONE = 128
"""Bytes below the stack pointer that the program may be using."""
_UCONTEXT_SIZE = 304
_FP_AT = 320
"""Of the area of XSAVE behind it: a multiple of 64."""
_XSAVE_MIN = 576
_MAGIC1, _MAGIC2 = 0x46505853, 0x46505845
_SOFTWARE_AT = 464
"""Where XSAVE leaves room for software: ptrace puts the mask of features there, signal frames more than that."""
_UC_FLAGS = 7
"""UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS"""
_KEEP_ALTSTACK = 0x77
"""As ss_flags: refused, so that the alternate stack stays what it is."""
_GENERAL = (
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp"),
    *("rip", "eflags"),
)
_RESTART_BY_BLOCK = -516
_RESTART = (-512, -513, -514)
"""-ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: the kernel's word to itself, which no program must see."""
_EINTR = -4
_SYSCALL_LENGTH = 2


def frame_size(xstate: bytes) -> int:
    return _FP_AT + len(xstate) + 4


def signal_frame(address: int, registers: Mapping[str, int], xstate: bytes, mask: bytes) -> bytes:
    """A ucontext at `address` (a multiple of 64) with the registers and blocked signals of a stopped thread.

    A system call that the stop interrupted is started again, as after a signal.
    """
    values = dict(registers) | _resumed(registers)
    general = pack("<18Q", *(values[name] for name in _GENERAL))
    segments = pack("<4H", values["cs"], 0, 0, values["ss"])
    fp = address + _FP_AT if len(xstate) >= _XSAVE_MIN else 0
    head = pack("<QQQiIQ", _UC_FLAGS, 0, 0, _KEEP_ALTSTACK, 0, 0)
    raw = head + general + segments + bytes(32) + pack("<Q", fp) + bytes(64) + mask[:8]
    assert len(raw) == _UCONTEXT_SIZE
    area = bytearray(xstate)
    if fp:
        features = int.from_bytes(xstate[_SOFTWARE_AT : _SOFTWARE_AT + 8], "little")
        pack_into("<IIQI28x", area, _SOFTWARE_AT, _MAGIC1, len(xstate) + 4, features, len(xstate))
    return raw.ljust(_FP_AT, b"\0") + area + pack("<I", _MAGIC2)


def _resumed(registers: Mapping[str, int]) -> dict[str, int]:
    """What the kernel makes of registers before a handler runs in the middle of a system call."""
    number, result = registers["orig_rax"], registers["rax"] - (registers["rax"] >> 63 << 64)
    if number >> 63:
        return {}
    if result in _RESTART:
        return {"rax": number, "rip": registers["rip"] - _SYSCALL_LENGTH}
    return {"rax": _EINTR & (1 << 64) - 1} if result == _RESTART_BY_BLOCK else {}
