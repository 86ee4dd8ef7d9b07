"""A fault that the program's own handler gets, remembered in case that the program dies in that handler.

A handler may raise the signal again, abort, or fault itself. The kernel then tells how it ended, not what was wrong;
but what was wrong is what a dump is for. That the handler still runs shows on the stack: the kernel has put the
registers of the fault there for the handler's return.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from mdmp.arch import CPUS
from mdmp.capture.linux.registers import parse_general, parse_siginfo

if TYPE_CHECKING:
    from mdmp.snapshot import Context, ExceptionRecord, MemoryReader

_SEARCHED = 1 << 16
"""Bytes above the stack pointer: more than handlers use that give up."""
_ORDER = {"amd64": ("rsp", "rip"), "arm64": ("sp", "pc")}
"""Two registers that stand side by side in the kernel's frame (struct sigcontext)."""


class FirstChance(NamedTuple):
    """As the kernel told it: a program may have thousands of such faults in a second, and mean them."""

    tid: int
    siginfo: bytes
    registers: bytes

    @property
    def exception(self) -> ExceptionRecord:
        """With the general registers at the fault."""
        return parse_siginfo(self.siginfo, self.tid, parse_general(self.registers))


def is_handled_now(first: ExceptionRecord, context: Context, memory: MemoryReader) -> bool:
    """Whether the thread, with these registers now, is still in the handler, or where the handler was called."""
    at_fault = first.context
    if at_fault is None or at_fault.cpu not in _ORDER or context.cpu != at_fault.cpu:
        return False
    pointer = context.registers[CPUS[context.cpu].sp]
    names = _ORDER[context.cpu]
    if all(context.registers[name] == at_fault.registers[name] for name in names):
        return True  # it has returned to the instruction, or was never entered for want of a stack
    words = (at_fault.registers[name] for name in names)
    return Struct("<2Q").pack(*words) in memory.read_some(pointer, _SEARCHED)
