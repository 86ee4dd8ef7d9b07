"""A copy of a stopped process that shares its memory until one of both writes to it: made in milliseconds.

A thread of the process is made to call `clone`. The copy never runs a step of the program. It has no exit signal, so
that neither `wait` nor SIGCHLD tell the process of it, and no open files, so that nobody waits for their end. Its
parent, the process, has to take note of its end to be rid of it: at the end a thread is made to call `wait4`.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.inject import CLONE, CLOSE_RANGE, WAIT4, Injection, InjectionError, find_spot
from mdmp.capture.linux.memory import LiveMemory, readable
from mdmp.capture.linux.syscalls import Request
from mdmp.errors import MdmpError
from mdmp.formats.elf.core_structs import NT_PRSTATUS, USER_REGS
from mdmp.formats.elf.regsets import general
from mdmp.formats.proc.maps import parse_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as Dictionary

    from mdmp.capture.linux.freeze import Frozen
    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import Context

_SHARE_FILES = 0x400
"""CLONE_FILES; with no bits for an exit signal."""
_UNSHARE_AND_CLOSE = 2
"""CLOSE_RANGE_UNSHARE"""
_ALL_FILES = (1 << 32) - 1
USERFAULTFD = "userfaultfd"
"""As `Handle.type_name`."""
_EVENT_FORK = 2
"""UFFD_FEATURE_EVENT_FORK"""
_ATTEMPTS = 8
"""How many threads are asked, at most."""


class Copy:
    """The copy, stopped; a child of the process, traced by us. All methods belong into the tracing thread."""

    def __init__(self, pid: int, inner: int) -> None:
        """`inner`: its number where the process lives, which may be a pid namespace of its own."""
        self.pid = pid
        self._inner = inner

    def end(self) -> None:
        """Kills the copy; its parent still has to be told."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while not _has_ended(os.waitpid(self.pid, syscalls.WALL)[1]):
                pass

    def forget(self, frozen: Frozen) -> None:
        """Makes the process, which runs again, take note of the end of the copy: else it stays in lists of processes.

        One thread stands still for it, for a moment. The program may be another than when the copy was made, or become
        another before the thread stands still.
        """
        text = frozen.proc.text("maps") or b""
        maps, spot = _room(frozen.proc, text)
        for tid in frozen.proc.tids()[:_ATTEMPTS]:
            with suppress(InjectionError, OSError, MdmpError):
                if frozen.hold_one(tid):
                    now = frozen.proc.text("maps") or b""
                    if now != text:
                        text, (maps, spot) = now, _room(frozen.proc, now)
                    if spot and self._wait_in(Injection(tid, spot, maps, frozen.options)):
                        return
            frozen.release()

    def _wait_in(self, injection: Injection) -> bool:
        try:
            return injection.call(WAIT4, self._inner, 0, syscalls.WALL) == self._inner
        finally:
            injection.finish()


def _room(proc: Proc, text: bytes) -> tuple[tuple[Mapping, ...], int | None]:
    """The mappings that `text` tells of, and where a call may be put."""
    maps = parse_maps(text)
    memory = LiveMemory(proc.living, readable(maps), by_file=True)
    try:
        return maps, find_spot(maps, memory)
    except InjectionError:
        return maps, None
    finally:
        memory.close()


def choose(contexts: Dictionary[int, Context | None], frozen: Frozen) -> list[int]:
    """The threads that may be used, the best first: one in a system call; the main thread, whose stack is big."""

    def rank(tid: int) -> tuple[bool, bool]:
        context = contexts[tid]
        waits = context is not None and context.registers.get("orig_rax", 1 << 63) >> 63 == 0
        return not waits, tid != frozen.proc.pid

    return sorted((tid for tid in contexts if frozen.signals.get(tid) == 0), key=rank)


def make_copy(
    frozen: Frozen, contexts: Dictionary[int, Context | None], maps: Sequence[Mapping], memory: LiveMemory
) -> Copy:
    """`InjectionError` when this process cannot be copied."""
    if not any(context and context.cpu == "amd64" for context in contexts.values()):
        raise InjectionError("copies are made of 64-bit x86 programs only")
    spot = find_spot(maps, memory)
    problem = InjectionError("no thread can be used")
    for tid in choose(contexts, frozen)[:_ATTEMPTS]:
        try:
            _refuse_new_namespace(frozen.proc, tid)
            injection = Injection(tid, spot, maps, frozen.options)
        except InjectionError as refused:
            problem = refused
            continue
        try:
            try:
                result = injection.call(CLONE, _SHARE_FILES)
                if injection.child:
                    _settle(injection, spot)
            finally:
                injection.finish()
        except (InjectionError, OSError):
            if injection.child:
                Copy(injection.child, 0).end()
            raise
        if result < 0:
            raise InjectionError(f"the system made no copy: {os.strerror(-result)}")
        return Copy(injection.child, result)
    raise problem


def refuse_fork_events(proc: Proc, files: Iterable[int]) -> None:
    """`files`: those of the type `USERFAULTFD`. Who serves page faults may want to hear of each new process before it
    is born; and stands still. `InjectionError`."""
    for number in files:
        told = re.search(rb"^API:\t[0-9a-f]+:([0-9a-f]+):", proc.text(f"fdinfo/{number}") or b"", re.MULTILINE)
        if told is None or int(told[1], 16) & _EVENT_FORK:
            raise InjectionError("it serves page faults itself, also those of its children (userfaultfd)")


def _refuse_new_namespace(proc: Proc, tid: int) -> None:
    """There the copy would be the first process, and with its end nobody could begin another (`pid_namespaces(7)`)."""
    if proc.link(f"task/{tid}/ns/pid_for_children") != proc.link(f"task/{tid}/ns/pid"):
        raise InjectionError("its children are born in another pid namespace")


def _settle(injection: Injection, spot: int) -> None:
    """The copy rid of its files and of what we put into its memory."""
    pid = injection.child
    if os.WIFSTOPPED(os.waitpid(pid, syscalls.WALL)[1]):
        options = syscalls.O_TRACESYSGOOD | syscalls.O_EXITKILL
        syscalls.ptrace(Request.SETOPTIONS, pid, 0, options)
        raw = syscalls.get_registers(pid, NT_PRSTATUS, 216)
        arguments = {"rdi": 0, "rsi": _ALL_FILES, "rdx": _UNSHARE_AND_CLOSE}
        call = {"rip": spot, "rax": CLOSE_RANGE, "orig_rax": (1 << 64) - 1}
        registers = general("amd64", raw) | arguments | call
        values = (registers[name].to_bytes(8, "little") for name in USER_REGS["amd64"])
        syscalls.set_registers(pid, NT_PRSTATUS, b"".join(values))
        for _ in range(2):
            syscalls.ptrace(Request.SYSCALL, pid)
            if not os.WIFSTOPPED(os.waitpid(pid, syscalls.WALL)[1]):
                raise InjectionError("the copy ended at once")
    file = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        injection.tidy(file)
    finally:
        os.close(file)


def _has_ended(status: int) -> bool:
    return os.WIFEXITED(status) or os.WIFSIGNALED(status)
