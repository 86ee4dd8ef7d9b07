"""The code to which signal handlers return on Linux, known by its instructions.

The C library musl and programs in Go bring such code of their own, of which no table tells. What the kernel
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
_MAX_KNOWN = 1 << 16


class SignalReturn:
    """Finds the frame that a signal interrupted. It is asked before tables are: what stands before the code to return
    to is another function, whose tables a look-up of the return address less one may find.
    """

    def __init__(self, code: Code, cpu: str) -> None:
        self._code = code
        self._codes = _CODE[cpu]
        self._saved = _SAVED[cpu]
        self._known: dict[int, bool] = {}

    def interrupted(self, frame: Frame, word: Callable[[int], int | None]) -> Caller | None:
        """None when this is no return from a handler, or memory is missing."""
        if not self._is_return(frame.instruction):
            return None
        offset, names = self._saved
        found: dict[str, int] = {}
        for i, name in enumerate(names):
            value = word(frame.sp + offset + 8 * i)
            if value is None:
                return None
            found[name] = value
        return Caller(found, "cfi", exact=True)

    def _is_return(self, address: int) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) > _MAX_KNOWN:
                self._known.clear()
            known = self._known[address] = self._code.bytes_at(address, _SIZE).startswith(self._codes)
        return known
