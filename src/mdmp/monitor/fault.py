"""What a dump may be made for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from mdmp.snapshot.module import base_name

KINDS: Mapping[str, str] = {
    "access_violation": "memory was accessed that is not there or not allowed (SIGSEGV, SIGBUS, C0000005)",
    "stack_overflow": "the stack is used up (SIGSEGV at the stack's end, C00000FD)",
    "heap_corruption": "the heap's own data is damaged, or a block was freed twice (abort of malloc, C0000374)",
    "buffer_overrun": "a stack cookie or fortified function found an overrun (__stack_chk_fail, C0000409)",
    "illegal_instruction": "an instruction that the processor does not know or allow (SIGILL, C000001D, C0000096)",
    "arithmetic": "a division by zero or the like (SIGFPE, C0000094, C0000095)",
    "breakpoint": "a breakpoint or debug trap without a debugger (SIGTRAP, 80000003)",
    "abort": "the program gave up: abort, a failed assertion (SIGABRT, C0000409 with code 7)",
    "cpp_exception": "a C++ exception that nobody caught (std::terminate, E06D7363)",
    "clr_exception": "a .NET exception that nobody caught (E0434352)",
    "python_exception": "a Python exception that nobody caught",
    "bad_system_call": "a system call that is not allowed (SIGSYS)",
    "other_exception": "any other signal that ends the program, or exception that nobody handled",
    "handled_exception": "an exception or signal that was asked for at first chance, whether or not it is handled",
    "hang": "no progress, or a window that does not answer",
    "cpu": "processor time over a limit",
    "memory": "memory over a limit",
    "threads": "number of threads over a limit",
    "handles": "number of open files or handles over a limit",
    "signal": "a signal that was asked for",
    "exit": "the process ended",
    "request": "somebody asked for a dump",
}
"""The names that policy rules, command lines and dumps use for a fault, and what each means."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The process that a fault happened in."""

    pid: int
    path: str = ""
    """Of the executable; may be empty."""
    uid: int | None = None
    """Linux: the user that it runs as. None: not known, or a system without."""
    gid: int | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """For folders in the policy: the environment of the *crashing* user (`HOME`, `LOCALAPPDATA`…), which is not ours
    when we run as the system's handler. Never the process's own environment, which is hostile then."""

    @property
    def name(self) -> str:
        """`app.exe`, `python3.11`"""
        return base_name(self.path)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a dump may be made for."""

    kind: str
    """One of `KINDS`."""
    subject: Subject
    text: str
    """One line for people: `SIGSEGV at 0x18 in thread 4711`, `processor time over 80 % for 10 s`."""
    tid: int | None = None
    code: int | None = None
    """The signal's number, or the exception's code."""
    address: int | None = None
    """The address that the system names with it."""
    place: str = ""
    """Where in the code it happened, the same for each run: `libshop.so+0x1234`. It tells one fault from another in the
    limit to repeats; may be empty."""
    how: str = "run"
    """What noticed it: `run`, `attach`, `postmortem`, `handler`, `capture`."""
    messages: tuple[str, ...] = ()
    """What the program or its run-time library said: `free(): double free detected in tcache 2`, debug output."""

    @property
    def is_crash(self) -> bool:
        """It ends the process."""
        return self.kind not in (
            "handled_exception",
            "hang",
            "cpu",
            "memory",
            "threads",
            "handles",
            "signal",
            "request",
        )
