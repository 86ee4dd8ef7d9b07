"""A signal, and a look into the process that it ends -> `Fault`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple

from mdmp.arch import CPUS
from mdmp.capture.linux.proc import read_text
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.linux.images import Images
from mdmp.monitor.linux.messages import abort_message, assertion_in, kind_of
from mdmp.monitor.linux.place import place_of
from mdmp.monitor.linux.uncaught import uncaught
from mdmp.platforms.signals import signal_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mdmp.capture.linux.proc import Proc
    from mdmp.formats.proc.maps import Mapping
    from mdmp.snapshot import ExceptionRecord, MemoryReader

DUMP_CORE = frozenset(
    {
        *(signal.SIGQUIT, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV, signal.SIGBUS),
        *(signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS),
    }
)
"""What ends a process with a core unless it is handled or ignored: a crash."""
BY_THE_PROCESSOR = frozenset(
    {signal.SIGILL, signal.SIGTRAP, signal.SIGFPE, signal.SIGSEGV, signal.SIGBUS, signal.SIGSYS}
)
"""Faults of an instruction, unless somebody sent them."""
_WITH_ADDRESS = frozenset({signal.SIGILL, signal.SIGFPE, signal.SIGSEGV, signal.SIGBUS})
_KINDS = {
    signal.SIGSEGV: "access_violation",
    signal.SIGBUS: "access_violation",
    signal.SIGILL: "illegal_instruction",
    signal.SIGFPE: "arithmetic",
    signal.SIGTRAP: "breakpoint",
    signal.SIGABRT: "abort",
    signal.SIGSYS: "bad_system_call",
}
_SI_USER, _SI_QUEUE, SI_KERNEL = 0, -1, 0x80
_MAX_SHOWN = 200
"""Characters of a message in one line for people."""
_NEAR = 1 << 16
"""Bytes: how far from the end of the stack the stack pointer is after an overflow."""
_GUARD = 1 << 20
"""Bytes below the end of the stack in which the address lies that was too much."""


class StoppedProcess(NamedTuple):
    """It stands still, or the kernel keeps it after its end."""

    proc: Proc
    maps: Sequence[Mapping]
    memory: MemoryReader


def code_of(record: ExceptionRecord) -> int:
    """si_code: what made the signal; 0 and below: somebody sent it."""
    return record.flags - (record.flags >> 31 << 32)


def is_fault(siginfo: bytes) -> bool:
    """The processor made the signal, and nobody sent it."""
    number, code = siginfo[0], int.from_bytes(siginfo[8:12], "little", signed=True)
    return number in BY_THE_PROCESSOR and code > 0


def is_sent(record: ExceptionRecord) -> bool:
    return code_of(record) <= 0


def address_of(record: ExceptionRecord) -> int | None:
    """What could not be accessed, or executed. None where the system does not tell."""
    known = record.code in _WITH_ADDRESS and 0 < code_of(record) != SI_KERNEL
    return record.address if known else None


def crash(
    record: ExceptionRecord, process: StoppedProcess, subject: Subject, how: str, ended_by: int | None = None
) -> Fault:
    """The fault that a signal was. `ended_by`: the signal by which the program's own handler ended it."""
    kind, messages = _kind(record, process)
    text = describe(record, subject.pid)
    if ended_by is not None and ended_by != record.code:
        text += f"; its handler ended it by {name_of(ended_by)}"
    if messages:
        text += f": {' '.join(messages[0].split())[:_MAX_SHOWN]}"
    return Fault(
        kind,
        subject,
        text,
        tid=record.tid,
        code=record.code,
        address=address_of(record),
        place=place_of(record.context, process.maps, process.memory),
        how=how,
        messages=messages,
    )


def assertion_of(messages: Iterable[str]) -> str | None:
    """What dumps keep as a failed assertion, of a fault's messages."""
    return next((found for message in messages if (found := assertion_in(message))), None)


def name_of(number: int) -> str:
    return signal_name(number) or f"signal {number}"


def describe(record: ExceptionRecord, pid: int) -> str:
    """`SIGSEGV at 0x18 in thread 4711`"""
    address = address_of(record)
    text = name_of(record.code) + (f" at {address:#x}" if address is not None else "")
    if code_of(record) in (_SI_USER, _SI_QUEUE) and record.address is not None:
        sender = record.address & 0xFFFFFFFF
        if sender and sender != pid:
            name = (read_text(f"/proc/{sender}/comm") or b"").decode("utf-8", "replace").strip()
            text += f" sent by process {sender}" + (f" ({name})" if name else "")
    return f"{text} in thread {record.tid}"


def _kind(record: ExceptionRecord, process: StoppedProcess) -> tuple[str, tuple[str, ...]]:
    if record.code == signal.SIGABRT:
        return _abort(record, process)
    known = _KINDS.get(signal.Signals(record.code)) if record.code in DUMP_CORE else None
    if known is None or (is_sent(record) and record.code != signal.SIGTRAP):
        return "other_exception", ()
    return ("stack_overflow" if _is_overflow(record, process.maps) else known), ()


def _abort(record: ExceptionRecord, process: StoppedProcess) -> tuple[str, tuple[str, ...]]:
    if record.context is None:
        return "abort", ()
    images = Images(*process)
    if message := abort_message(images, process.memory, 8 if record.context.cpu in ("amd64", "arm64") else 4):
        return kind_of(message), (message,)
    thrown = uncaught(record.context, images, process.memory)
    return ("abort", ()) if thrown is None else ("cpp_exception", thrown)


def _is_overflow(record: ExceptionRecord, maps: Sequence[Mapping]) -> bool:
    """The access was below the end of a stack, and the stack pointer is at that end or beyond it."""
    context = record.context
    if record.code not in (signal.SIGSEGV, signal.SIGBUS) or context is None or context.cpu not in CPUS:
        return False
    pointer = context.registers[CPUS[context.cpu].sp]
    address = address_of(record)
    if address is None:
        address = pointer
    stack = next((m for m in maps if "w" in m.permissions and m.end > max(address, pointer - _NEAR)), None)
    return (
        stack is not None
        and "w" in stack.permissions
        and address < stack.start <= address + _GUARD
        and stack.start - _GUARD <= pointer < stack.start + _NEAR
    )
