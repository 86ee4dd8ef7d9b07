"""Threads, and the registers they had."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Context:
    """The registers of a thread at one instant."""

    cpu: str
    """A name of `mdmp.arch`: `x86`, `amd64`, `arm`, `arm64`; other names (`mips`…) are only listed."""
    registers: Mapping[str, int]
    """Integer registers, flags and segments by lower-case name (`rax`, `eip`, `x0`, `pc`). Only those known."""
    vector: Mapping[str, int] = field(default_factory=dict)
    """Floating-point and vector registers as little-endian integers (`xmm0`, `v0`, `st0`, `mxcsr`)."""
    xstate: bytes | None = None
    """The extended processor state, when there is one: the XSAVE area from its header on, without the 512 bytes before
    it, whose registers are in `vector`."""


@dataclass(frozen=True, slots=True)
class Thread:
    tid: int
    context: Context | None = None
    name: str | None = None
    stack_start: int | None = None
    """Lowest address of the stack memory that was kept for this thread."""
    stack_size: int | None = None
    teb: int | None = None
    suspend_count: int | None = None
    priority_class: int | None = None
    priority: int | None = None
    start_address: int | None = None
    create_time: datetime | None = None
    exit_time: datetime | None = None
    exit_status: int | None = None
    kernel_time: timedelta | None = None
    user_time: timedelta | None = None
    affinity: int | None = None
    last_error: int | None = None
    """The Win32 last-error value, from the thread's TEB."""
    wrote_the_dump: bool = False
    """This thread was busy writing the dump (Breakpad says so); its stack is not the program's doing."""
