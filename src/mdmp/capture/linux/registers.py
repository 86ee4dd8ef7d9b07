"""The registers of a stopped thread, and the signal it is about to get."""

from __future__ import annotations

import os

from mdmp.arch import fxsave
from mdmp.capture.linux import syscalls
from mdmp.capture.linux.syscalls import Request
from mdmp.formats.elf import core_structs as wire
from mdmp.formats.elf import regsets
from mdmp.snapshot import Context, ExceptionRecord

NT_ARM_TLS = 0x401
_LARGEST = 1 << 14
"""Bytes: more than any set of registers has."""
_CPU_OF = {
    "x86_64": {216: "amd64", 68: "x86"},
    "i686": {68: "x86"},
    "aarch64": {272: "arm64", 72: "arm"},
    "armv7l": {72: "arm"},
}
"""By the machine's name and the size of the general registers: 32-bit programs run on 64-bit kernels."""
_SETS = {
    "amd64": (wire.NT_FPREGSET, wire.NT_X86_XSTATE),
    "x86": (wire.NT_PRXFPREG, wire.NT_X86_XSTATE),
    "arm64": (wire.NT_FPREGSET,),
    "arm": (wire.NT_ARM_VFP,),
}


def read_context(tid: int) -> Context | None:
    """None when the thread was killed meanwhile, or for a CPU that mdmp does not know."""
    raw = read_general(tid)
    cpu = _cpu_of(raw)
    if cpu is None:
        return None
    registers = regsets.general(cpu, raw)
    sets = {kind: found for kind in _SETS[cpu] if (found := _set(tid, kind))}
    if cpu == "x86" and registers["gs"]:
        base = _thread_area(tid, registers["gs"])
        registers |= {"gs_base": base} if base is not None else {}
    if cpu == "arm64" and (raw := _set(tid, NT_ARM_TLS)):
        registers["tpidr_el0"] = int.from_bytes(raw[:8], "little")
    xstate = sets.get(wire.NT_X86_XSTATE, b"")[fxsave.SIZE :] or None
    return Context(cpu, registers, regsets.vector(cpu, sets), xstate)


def _cpu_of(general: bytes) -> str | None:
    """By the size of the general registers."""
    return _CPU_OF.get(os.uname().machine, {}).get(len(general))


def _set(tid: int, kind: int) -> bytes:
    """Empty where this CPU has no such set."""
    try:
        return syscalls.get_registers(tid, kind, _LARGEST)
    except OSError:
        return b""


def _thread_area(tid: int, selector: int) -> int | None:
    try:
        return syscalls.thread_area(tid, selector)
    except OSError:
        return None


def context_from_text(cpu: str, text: bytes | None) -> Context | None:
    """The two registers that /proc/PID/task/TID/syscall tells of a thread that waits in the kernel."""
    words = (text or b"").split()
    names = {"amd64": ("rsp", "rip"), "x86": ("esp", "eip"), "arm64": ("sp", "pc"), "arm": ("sp", "pc")}
    if len(words) < 3 or cpu not in names:
        return None
    try:
        return Context(cpu, dict(zip(names[cpu], (int(words[-2], 16), int(words[-1], 16)), strict=True)))
    except ValueError:
        return None


def read_signal(tid: int, context: Context | None) -> ExceptionRecord | None:
    """The signal that a thread was stopped at."""
    raw = read_siginfo(tid)
    return parse_siginfo(raw, tid, context) if raw else None


def read_siginfo(tid: int) -> bytes | None:
    """As the kernel gives it; None when the thread was killed meanwhile, or has not stopped at a signal."""
    try:
        return syscalls.ptrace_read(Request.GETSIGINFO, tid, 0, syscalls.SIGINFO_SIZE)
    except OSError:
        return None


def parse_siginfo(raw: bytes, tid: int, context: Context | None) -> ExceptionRecord:
    """siginfo_t in the layout of our own kind of process."""
    number, _, code = wire.siginfo_head.STRUCT.unpack_from(raw)
    address = int.from_bytes(raw[16:24], "little")
    return ExceptionRecord(tid, number, code & 0xFFFFFFFF, address, context=context)


def read_general(tid: int) -> bytes:
    """The general registers for `parse_general`; empty when the thread was killed meanwhile."""
    try:
        return syscalls.get_registers(tid, wire.NT_PRSTATUS, _LARGEST)
    except ProcessLookupError:
        return b""


def parse_general(raw: bytes) -> Context | None:
    cpu = _cpu_of(raw)
    return Context(cpu, regsets.general(cpu, raw)) if cpu else None


_EINTR, _ERESTARTNOHAND = -4, -514
_INTERRUPTED_BY_STOPS = {
    # epoll_wait, epoll_pwait, epoll_pwait2, rt_sigtimedwait, semop, semtimedop, io_getevents, io_pgetevents,
    # io_uring_enter; of sockets with a timeout: read, readv, recvfrom, recvmsg, recvmmsg, accept, accept4, connect,
    # write, writev, sendto, sendmsg, sendmmsg
    "amd64": frozenset(
        (232, 281, 441, 128, 65, 220, 208, 333, 426, 0, 19, 45, 47, 299, 43, 288, 42, 1, 20, 44, 46, 307)
    ),
    # the same with sigtimedwait_time64, semtimedop_time64, io_pgetevents_time64, recvmmsg_time64, and ipc and
    # socketcall, which semop and older calls of sockets go through
    "x86": frozenset(
        (
            *(256, 319, 441, 177, 421, 117, 420, 247, 385, 416, 426),
            *(3, 145, 371, 372, 337, 417, 364, 362, 4, 146, 369, 370, 345, 102),
        )
    ),
}
"""System calls that end with EINTR when a thread was stopped, though no signal came (see signal(7)), by number."""
_CALL_OF = {
    216: (8, wire.USER_REGS["amd64"].index("rax"), wire.USER_REGS["amd64"].index("orig_rax"), "amd64"),
    68: (4, wire.USER_REGS["x86"].index("eax"), wire.USER_REGS["x86"].index("orig_eax"), "x86"),
}
"""Bytes of all general registers -> those of one, and where the result and the number of a system call are."""
_GENERAL = 512
"""Bytes: more than any CPU's general registers."""


def restart_call(tid: int) -> None:
    """Spares a stopped thread an EINTR that only we are the cause of: its call starts again, unless a handler runs.

    A traced program waits for this at each of its signals.
    """
    raw = syscalls.get_registers(tid, wire.NT_PRSTATUS, _GENERAL)
    if len(raw) not in _CALL_OF:
        return
    size, result, call, cpu = _CALL_OF[len(raw)]
    at = result * size
    if raw[at : at + size] != _EINTR.to_bytes(size, "little", signed=True):
        return
    if int.from_bytes(raw[call * size : (call + 1) * size], "little") in _INTERRUPTED_BY_STOPS[cpu]:
        again = _ERESTARTNOHAND.to_bytes(size, "little", signed=True)
        syscalls.set_registers(tid, wire.NT_PRSTATUS, raw[:at] + again + raw[at + size :])
