"""A signal that a program's own handler has seen, and then sent again to let the program end: where it first was.

The kernel puts the registers of that moment, and the signal, on the stack of the handler. x86-64 only. Source: the
kernel's arch/x86/include/asm/sigframe.h and include/uapi/asm/sigcontext.h.
"""

from __future__ import annotations

import signal
from struct import pack, unpack_from
from typing import TYPE_CHECKING

from mdmp.monitor.linux.faults import SI_KERNEL, is_sent
from mdmp.snapshot import Context, ExceptionRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.snapshot import MemoryReader

_REACH = 1 << 18
"""Bytes of the stack that are searched: handlers do little."""
_BELOW = 1 << 14
"""Bytes below the stack pointer: the frame of a handler, with all vector registers."""
_REGISTERS_AT, _SEGMENTS_AT, _TRAP_AT, _INFO_AT, _SIZE = 48, 192, 200, 312, 336
"""Offsets in what the kernel leaves: the address that the handler returns to, the ucontext, siginfo_t."""
_SEGMENTS = pack("<4H", 0x33, 0, 0, 0x2B)
"""Of all programs with 64 bits."""
_NAMES = (
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp"),
    *("rip", "eflags"),
)
_RETURNS = (bytes.fromhex("48c7c00f0000000f05"), bytes.fromhex("b80f0000000f05"))
"""What a handler returns to: rt_sigreturn."""
_MAX_FRAMES = 64
_INVALID_OPCODE, _PROTECTION, _PAGE_FAULT = 6, 13, 14
"""Numbers of the processor's exceptions."""


def first_seen(record: ExceptionRecord, memory: MemoryReader) -> ExceptionRecord:
    """The same signal when the processor made it, if the program's handler was in between; else what was given."""
    context = record.context
    if context is None or context.cpu != "amd64" or not is_sent(record):
        return record
    now = context.registers
    for at, frame in _frames(memory, now["rsp"]):
        registers = dict(now)
        registers |= zip(_NAMES, unpack_from("<18Q", frame, _REGISTERS_AT), strict=True)
        is_back = at < now["rsp"]
        if is_back and (registers["rip"], registers["rsp"]) != (now["rip"], now["rsp"]):
            continue
        known = _told(frame, record.code) or _concluded(frame, record.code, registers["rip"])
        if known:
            return ExceptionRecord(record.tid, record.code, *known, context=Context("amd64", registers))
    return record


def _told(frame: bytes, number: int) -> tuple[int, int] | None:
    """(si_code, address), which are there if the handler asked for them (SA_SIGINFO)."""
    found, error, code, address = unpack_from("<iii4xQ", frame, _INFO_AT)
    return (code, address) if (found, error) == (number, 0) and 0 < code <= SI_KERNEL else None


def _concluded(frame: bytes, number: int, instruction: int) -> tuple[int, int] | None:
    """The same from what the processor said."""
    error, trap, _, address = unpack_from("<4Q", frame, _TRAP_AT)
    if trap == _PAGE_FAULT and number in (signal.SIGSEGV, signal.SIGBUS):
        return 2 if error & 1 or number == signal.SIGBUS else 1, address
    if trap == _PROTECTION and number == signal.SIGSEGV:
        return SI_KERNEL, 0
    if trap == _INVALID_OPCODE and number == signal.SIGILL:
        return 2, instruction
    return None


def _frames(memory: MemoryReader, pointer: int) -> Iterator[tuple[int, bytes]]:
    """What signals have left on the stack, and where: what the thread has come back from, then the innermost first.

    A signal that was sent when it was blocked comes when the handler has returned: to the very instruction.
    """
    low = next((max(start, pointer - _BELOW) for start, size in memory.ranges if start <= pointer < start + size), 0)
    raw = memory.read_some(low, _REACH)
    at = raw.find(_SEGMENTS)
    for _ in range(_MAX_FRAMES):
        if at < 0:
            return
        start = at - _SEGMENTS_AT
        if start >= 0 and (low + start) % 8 == 0 and start + _SIZE <= len(raw):
            code = memory.read_some(int.from_bytes(raw[start : start + 8], "little"), 9)
            if code.startswith(_RETURNS):
                yield low + start, raw[start : start + _SIZE]
        at = raw.find(_SEGMENTS, at + 1)
