"""NT_PRSTATUS with the notes of registers, and NT_SIGINFO -> `Thread` and `ExceptionRecord`."""

from bisect import bisect_right
from datetime import timedelta
from operator import itemgetter

from mdmp.arch import fxsave
from mdmp.formats.elf import core_structs as wire
from mdmp.formats.elf.core_notes import CoreNotes, CoreThread
from mdmp.formats.elf.regsets import vector
from mdmp.snapshot import Context, ExceptionRecord, MemoryReader, Thread

_SETS = (wire.NT_FPREGSET, wire.NT_PRXFPREG, wire.NT_X86_XSTATE, wire.NT_ARM_VFP)
_MAX_SET = 1 << 16
"""Bytes; the largest area of XSAVE has some 11 KiB."""
_POINTERS = {"x86": "esp", "amd64": "rsp", "arm": "sp", "arm64": "sp"}


def load_threads(notes: CoreNotes, memory: MemoryReader, cpu: str) -> tuple[Thread, ...]:
    """In the order of the file: the one that got the signal is the first."""
    return tuple(_thread(thread, memory, cpu) for thread in notes.threads)


def load_exceptions(notes: CoreNotes) -> tuple[ExceptionRecord, ...]:
    """The signal that ended the process; none where the core was taken from a running one."""
    if not notes.threads:
        return ()
    status, info = notes.threads[0].status, notes.siginfo
    number = status.pr_cursig or status.si_signo
    if number <= 0:
        return ()  # what gdb's siginfo tells then is how it stopped the process itself
    if info is None or info.si_signo != number:
        return (ExceptionRecord(status.pr_pid, number, 0, None),)
    return (ExceptionRecord(status.pr_pid, number, info.si_code & 0xFFFFFFFF, info.address),)


def _thread(thread: CoreThread, memory: MemoryReader, cpu: str) -> Thread:
    status = thread.status
    sets = {
        kind: content.tobytes() for kind, content in thread.others.items() if kind in _SETS and content.size <= _MAX_SET
    }
    area = sets.get(wire.NT_X86_XSTATE)
    xstate = area[fxsave.SIZE :] if area else None
    context = Context(cpu, thread.registers, vector(cpu, sets), xstate) if thread.registers else None
    start, size = _stack(thread.registers.get(_POINTERS.get(cpu, "")), memory)
    return Thread(
        status.pr_pid,
        context,
        stack_start=start,
        stack_size=size,
        user_time=_time(status.pr_utime_sec, status.pr_utime_usec),
        kernel_time=_time(status.pr_stime_sec, status.pr_stime_usec),
    )


def _time(seconds: int, microseconds: int) -> timedelta | None:
    """None for a number that damage must have made."""
    return timedelta(seconds=seconds, microseconds=microseconds) if max(seconds, microseconds) < 1 << 32 else None


def _stack(pointer: int | None, memory: MemoryReader) -> tuple[int | None, int | None]:
    """(start, size) of the memory kept around a stack pointer."""
    if pointer is None:
        return None, None
    ranges = memory.ranges
    at = bisect_right(ranges, pointer, key=itemgetter(0))
    start, size = ranges[at - 1] if at else (0, 0)
    return (start, size) if start <= pointer < start + size else (None, None)
