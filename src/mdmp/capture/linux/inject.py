"""One system call made by a stopped thread of another process, on x86-64.

The thread is sent to a few instructions of ours: the call, and then `rt_sigreturn` into a frame, below its stack, with
all that it had in its registers. So if we are killed at any moment, it makes the call and goes on where it was, as if
a signal had been handled. As long as we live we stop it after the call and put its registers back ourselves.

The instructions go where nothing is: between the end of a segment of code in a file and the end of its last page.
"""

from __future__ import annotations

import os
from struct import pack
from typing import TYPE_CHECKING

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.modules import PAGE, image_at
from mdmp.capture.linux.proc import read_text
from mdmp.capture.linux.signal_frame import RED_ZONE, frame_size, signal_frame
from mdmp.capture.linux.syscalls import Request
from mdmp.formats.elf.core_structs import NT_PRSTATUS, NT_X86_XSTATE, USER_REGS
from mdmp.formats.elf.regsets import general
from mdmp.formats.elf.structs import PF_X, PT_LOAD
from mdmp.formats.proc.status import number, parse_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.capture.linux.memory import LiveMemory
    from mdmp.formats.proc.maps import Mapping

CLONE, WAIT4, CLOSE_RANGE = 56, 61, 436
_EXIT_IN_CHILD = bytes.fromhex("85c0 7407")
"""test eax, eax; jz over what the parent does"""
_SIGRETURN = bytes.fromhex("b80f000000 0f05")
_EXIT = bytes.fromhex("31ff b8e7000000 0f05 f4")
CALL = bytes.fromhex("0f05") + _EXIT_IN_CHILD + _SIGRETURN + _EXIT
"""`syscall`; where it gives 0 (in the child that `clone` makes) `exit_group(0)`, else `rt_sigreturn`."""
_LARGEST = 1 << 14
_NO_CALL = (1 << 64) - 1
_ALL_SIGNALS = b"\xff" * 8
_USER_CODE = 0x33
"""The selector of 64-bit code."""
_SYSCALL_STOP = 0x85
"""SIGTRAP with the bit of PTRACE_O_TRACESYSGOOD."""

_MORE_STOPS = 3
"""Times that a thread may stop on its way because it was asked to before, or by a stop signal."""


class InjectionError(Exception):
    """It cannot be done here; the message says why. The thread is as it was."""


def find_spot(maps: Sequence[Mapping], memory: LiveMemory) -> int:
    """An address where `CALL` may lie. `InjectionError` when there is none."""
    for mapping in maps:
        image = image_at(memory, mapping.start) if mapping.inode and not mapping.shared else None
        for segment in image.segments if image else ():
            if image is not None and segment.type == PT_LOAD and segment.flags & PF_X:
                end = segment.address + max(segment.file_size, segment.memory_size) - image.load_address + image.base
                spot = (end + 15) // 16 * 16
                if spot % PAGE and spot % PAGE + len(CALL) <= PAGE and _is_code(maps, spot):
                    return spot
    raise InjectionError("no room was found for instructions in its code")


def _is_code(maps: Sequence[Mapping], address: int) -> bool:
    return any(m.start <= address < m.end and m.permissions == "r-x" and m.inode and not m.shared for m in maps)


class Injection:
    """A stopped thread that is made to call. `finish` puts everything back; nothing else may touch it in between."""

    def __init__(self, tid: int, spot: int, maps: Sequence[Mapping], options: int = 0) -> None:
        """`options`: those of ptrace that the thread is to have afterwards."""
        self.tid = tid
        self._options = options
        self.child = 0
        """The process that a call has made; it has stopped, or will do so before it does anything."""
        self._spot = spot
        self._raw = syscalls.get_registers(tid, NT_PRSTATUS, _LARGEST)
        registers = general("amd64", self._raw)
        if len(self._raw) != 216 or registers["cs"] != _USER_CODE:
            raise InjectionError("it is no 64-bit program")
        _refuse_special(tid, registers)
        self._mask = syscalls.ptrace_read(Request.GETSIGMASK, tid, 8, 8)
        xstate = syscalls.get_registers(tid, NT_X86_XSTATE, _LARGEST)
        self._frame = (registers["rsp"] - RED_ZONE - frame_size(xstate)) // 64 * 64
        self._check_stack(registers["rsp"], maps)
        self._file = os.open(f"/proc/{tid}/mem", os.O_RDWR | os.O_CLOEXEC)
        frame = signal_frame(self._frame, registers, xstate, self._mask)
        self._saved: list[tuple[int, bytes]] = []
        try:
            self._put(spot, CALL)
            self._put(self._frame, frame)
            syscalls.ptrace_write(Request.SETSIGMASK, tid, 8, _ALL_SIGNALS)
            syscalls.ptrace(Request.SETOPTIONS, tid, 0, syscalls.O_TRACESYSGOOD | syscalls.O_TRACECLONE)
        except OSError as problem:
            self.finish()
            raise InjectionError(f"{problem.strerror or problem}") from None

    def _check_stack(self, pointer: int, maps: Sequence[Mapping]) -> None:
        inside = any(m.start <= self._frame and pointer <= m.end and "w" in m.permissions for m in maps)
        if not inside:
            raise InjectionError("the thread has too little room on its stack")

    def _put(self, address: int, raw: bytes) -> None:
        old = os.pread(self._file, len(raw), address)
        self._saved.append((address, old))
        os.pwrite(self._file, raw, address)

    def call(self, number: int, *arguments: int) -> int:
        """The result of a system call. `InjectionError` when the thread does something else."""
        names = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
        values = dict(zip(names, (*arguments, *(0,) * 6), strict=False))
        registers = general("amd64", self._raw) | values
        registers |= {"rip": self._spot, "rsp": self._frame, "rax": number, "orig_rax": _NO_CALL, "eflags": 0x202}
        raw = pack("<27Q", *(registers[name] for name in USER_REGS["amd64"]))
        syscalls.set_registers(self.tid, NT_PRSTATUS, raw)
        self._step()
        if event := self._step(may_clone=True):
            self.child = event
            self._step()
        result = general("amd64", syscalls.get_registers(self.tid, NT_PRSTATUS, _LARGEST))["rax"]
        return result - (result >> 63 << 64)

    def _step(self, may_clone: bool = False) -> int:
        """To the next stop at a system call; the pid of a child when there is one before."""
        for _ in range(_MORE_STOPS):
            syscalls.ptrace(Request.SYSCALL, self.tid)
            _, status = os.waitpid(self.tid, syscalls.WALL)
            if not os.WIFSTOPPED(status):
                break
            if status >> 16 == syscalls.EVENT_CLONE and may_clone:
                raw = syscalls.ptrace_read(Request.GETEVENTMSG, self.tid, 0, 8)
                return int.from_bytes(raw, "little")
            if status >> 8 == _SYSCALL_STOP:
                return 0
            if status >> 16 != syscalls.EVENT_STOP:
                break
        raise InjectionError(f"the thread stopped for another reason ({status:#x})")

    def finish(self) -> None:
        """The thread as it was, stopped where a call that was interrupted is started again."""
        try:
            # From a stop at a call to one where signals are looked at: only there are interrupted calls restarted.
            syscalls.ptrace(Request.INTERRUPT, self.tid)
            syscalls.ptrace(Request.CONT, self.tid)
            os.waitpid(self.tid, syscalls.WALL)
            syscalls.set_registers(self.tid, NT_PRSTATUS, self._raw)
            syscalls.ptrace_write(Request.SETSIGMASK, self.tid, 8, self._mask)
            syscalls.ptrace(Request.SETOPTIONS, self.tid, 0, self._options)
            self.tidy(self._file)
        finally:
            os.close(self._file)

    def tidy(self, file: int) -> None:
        """Puts the bytes back that instructions and frame have taken, in this process or in a copy of it."""
        for address, raw in self._saved:
            os.pwrite(file, raw, address)


def _refuse_special(tid: int, registers: dict[str, int]) -> None:
    """A thread that has the kernel look at its instruction pointer or its calls must not be sent elsewhere."""
    status = parse_fields(read_text(f"/proc/{tid}/status") or b"")
    if number(status, "Seccomp"):
        raise InjectionError("a seccomp filter watches its system calls")
    if "shstk" in status.get("x86_Thread_features", ""):
        raise InjectionError("it has a shadow stack")
    if any(_asked(Request.GET_SYSCALL_USER_DISPATCH_CONFIG, tid, 32)[:8]):
        raise InjectionError("the thread handles its system calls itself, as Wine does")
    if registers["orig_rax"] >> 63 == 0:
        return  # in a system call, where no such sequence can be
    area = int.from_bytes(_asked(Request.GET_RSEQ_CONFIGURATION, tid, 24)[:8], "little")
    if area:
        with open(f"/proc/{tid}/mem", "rb", buffering=0) as file:
            if any(os.pread(file.fileno(), 8, area + 8)):
                raise InjectionError("the thread is in a sequence that must not be interrupted")


def _asked(request: Request, tid: int, size: int) -> bytes:
    """Empty for a kernel that does not know the request."""
    try:
        return syscalls.ptrace_read(request, tid, size, size)
    except OSError:
        return b""
