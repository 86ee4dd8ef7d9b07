"""NT_PRSTATUS with the notes of registers, and NT_SIGINFO -> `Thread` and `ExceptionRecord`."""

from datetime import timedelta

from mdmp.arch import fxsave
from mdmp.binary.window import Window
from mdmp.formats.elf import core_structs as wire
from mdmp.formats.elf.core_notes import CoreNotes, CoreThread
from mdmp.snapshot import Context, ExceptionRecord, MemoryReader, Thread

_POINTERS = {"x86": "esp", "amd64": "rsp", "arm": "sp", "arm64": "sp"}


def load_threads(notes: CoreNotes, memory: MemoryReader, cpu: str) -> tuple[Thread, ...]:
    """In the order of the file: the one that got the signal is the first."""
    return tuple(_thread(thread, memory, cpu) for thread in notes.threads)


def load_exceptions(notes: CoreNotes) -> tuple[ExceptionRecord, ...]:
    """The signal that ended the process; none where the core was taken from a running one."""
    if not notes.threads:
        return ()
    first, info = notes.threads[0], notes.siginfo
    tid = first.status.pr_pid
    if info is not None and info.si_signo:
        return (ExceptionRecord(tid, info.si_signo, info.si_code & 0xFFFFFFFF, info.address),)
    number = first.status.pr_cursig or first.status.si_signo
    return (ExceptionRecord(tid, number, 0, None),) if number > 0 else ()


def _thread(thread: CoreThread, memory: MemoryReader, cpu: str) -> Thread:
    status = thread.status
    context = Context(cpu, thread.registers, *_vector(cpu, thread.others)) if thread.registers else None
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
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][0] <= pointer:
            low = middle + 1
        else:
            high = middle
    start, size = ranges[low - 1] if low else (0, 0)
    return (start, size) if start <= pointer < start + size else (None, None)


def _vector(cpu: str, notes: dict[int, Window]) -> tuple[dict[str, int], bytes | None]:
    """Floating-point and vector registers, and the area of XSAVE as it is."""
    area = notes.get(wire.NT_X86_XSTATE)
    xstate = area.tobytes() if area else None
    if cpu in ("amd64", "x86"):
        legacy = notes.get(wire.NT_FPREGSET if cpu == "amd64" else wire.NT_PRXFPREG) or area
        names = tuple(f"xmm{n}" for n in range(16 if cpu == "amd64" else 8))
        if legacy is None or legacy.size < fxsave.SIZE:
            return {}, xstate
        return fxsave.registers(legacy.read(0, fxsave.SIZE), names), xstate
    if cpu == "arm64":
        return _numbers(notes.get(wire.NT_FPREGSET), 16, tuple(f"v{n}" for n in range(32)), ("fpsr", "fpcr")), None
    if cpu == "arm":
        return _numbers(notes.get(wire.NT_ARM_VFP), 8, tuple(f"d{n}" for n in range(32)), ("fpscr",)), None
    return {}, None


def _numbers(area: Window | None, size: int, names: tuple[str, ...], words: tuple[str, ...]) -> dict[str, int]:
    """Registers of `size` bytes, then words of 4."""
    if area is None or area.size < len(names) * size + 4 * len(words):
        return {}
    found = {name: int.from_bytes(area.read(i * size, size), "little") for i, name in enumerate(names)}
    return found | {name: area.u32(len(names) * size + 4 * i) for i, name in enumerate(words)}
