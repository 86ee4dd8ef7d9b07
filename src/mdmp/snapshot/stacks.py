"""Which memory is a thread's stack."""

from bisect import bisect_right

from mdmp.arch import CPUS
from mdmp.binary.ranges import Span
from mdmp.snapshot.snapshot import Snapshot
from mdmp.snapshot.thread import Context, Thread

RED_ZONE = 128
"""Bytes below the stack pointer that functions may use; 128 on amd64 outside Windows, elsewhere less."""
MAX_STACK = 8 << 20
"""Of one thread: what Linux gives the first one."""
_REACH = 1 << 20
"""How far above a stack pointer that left its stack the stack is looked for."""


def pointer_of(context: Context | None, role: str) -> int | None:
    """The register that is the `pc` or the `sp` of the processor."""
    cpu = CPUS.get(context.cpu) if context else None
    return context.registers.get(getattr(cpu, role)) if context and cpu else None


def crashed_tids(snapshot: Snapshot) -> tuple[int, ...]:
    """The threads that matter most: those with an exception, else the one that asked, else the first."""
    found = tuple(exception.tid for exception in snapshot.exceptions if exception.tid is not None)
    if found or snapshot.requesting_tid is not None:
        return found or (snapshot.requesting_tid or 0,)
    return tuple(thread.tid for thread in (snapshot.threads or ())[:1])


def stack_of(snapshot: Snapshot, thread: Thread) -> Span | None:
    """From the stack pointer (and a little below) to the stack's end, as far as both are known and bytes are kept."""
    return _stack_at(snapshot, pointer_of(thread.context, "sp"), thread.stack_start, thread.stack_size)


def left_stacks(snapshot: Snapshot) -> tuple[Span, ...]:
    """Those on which exceptions happened whose threads have another one now, as handlers of stack overflows have."""
    found = []
    for exception in snapshot.exceptions:
        thread = next((thread for thread in snapshot.threads or () if thread.tid == exception.tid), None)
        now = stack_of(snapshot, thread) if thread else None
        then = _stack_at(snapshot, pointer_of(exception.context, "sp"), None, None)
        if then and not (now and now[0] <= then[0] < sum(now)):
            found.append(then)
    return tuple(found)


def _stack_at(snapshot: Snapshot, sp: int | None, start: int | None, size: int | None) -> Span | None:
    known = (start, start + size) if start is not None and size else None
    if sp is None or not (known is None or known[0] <= sp < known[1]):
        return _cut(*known) if known else _above(snapshot, sp)
    ranges = snapshot.memory.ranges
    i = bisect_right(ranges, (sp, 1 << 65)) - 1
    kept = (ranges[i][0], sum(ranges[i])) if i >= 0 and sp < sum(ranges[i]) else None
    bounds = known or kept
    if bounds is None:
        return _above(snapshot, sp)
    region = snapshot.region_at(sp)
    low, end = bounds
    if region is not None:
        low, end = max(low, region.start), min(end, region.end)
    return _cut(max(low, (sp - RED_ZONE) // 16 * 16), end)


def _cut(start: int, end: int) -> Span:
    return start, min(end - start, MAX_STACK)


def _above(snapshot: Snapshot, sp: int | None) -> Span | None:
    """A stack that overflowed: its pointer lies in the guard pages, below what is kept."""
    if sp is None:
        return None
    ranges = snapshot.memory.ranges
    i = bisect_right(ranges, (sp, 0))
    if i == len(ranges) or ranges[i][0] > sp + _REACH:
        return None
    start, size = ranges[i]
    region = snapshot.region_at(start)
    return _cut(start, min(start + size, region.end) if region else start + size)
