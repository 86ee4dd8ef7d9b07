"""The code to which signal handlers return on Linux, known by its instructions where no table tells of it.

The C library musl and programs in Go bring such code of their own without call-frame information. What the kernel
saved lies on the stack. Source: `struct rt_sigframe` and `struct sigcontext` of the kernel's x86 and arm64.
"""

from collections.abc import Callable

from mdmp.unwind.code import Code
from mdmp.unwind.frame import Caller, Frame

_CODE = {
    "amd64": (bytes.fromhex("48c7c00f000000 0f05"), bytes.fromhex("b80f000000 0f05")),
    "arm64": (bytes.fromhex("681180d2 010000d4"),),
}
"""rt_sigreturn: its number into a register, and the system call."""
_SAVED = {
    "amd64": (
        40,
        (
            *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
            *("rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip"),
        ),
    ),
    "arm64": (312, (*(f"x{n}" for n in range(31)), "sp", "pc")),
}
"""Where the registers lie above the stack pointer, and in what order."""
_SIZE = 9


def interrupted(frame: Frame, code: Code, word: Callable[[int], int | None], cpu: str) -> Caller | None:
    """The frame that the signal interrupted; None when this is no return from a handler, or memory is missing."""
    if not code.bytes_at(frame.instruction, _SIZE).startswith(_CODE[cpu]):
        return None
    offset, names = _SAVED[cpu]
    found: dict[str, int] = {}
    for i, name in enumerate(names):
        value = word(frame.sp + offset + 8 * i)
        if value is None:
            return None
        found[name] = value
    return Caller(found, "cfi", exact=True)
