"""Stack overflows that never come at second chance.

A handler needs stack as well. Windows tells of a stack overflow at second chance when none can run, but not always: the
process may vanish, or (Wine, 64 bits) fault again and again while it looks for one. So the first chance is remembered,
with the registers. It was a crash, and a dump is made
- at second chance, as of any exception;
- when the next exception of the thread is an access violation right where its stack pointer points, no higher than at
  the overflow: there is no stack left to look for a handler with;
- when the process is about to end, or nothing is heard of it for a while, and the thread's stack is still as deep;
- when the process has ended without having come by where all orderly ends do.
It was none when the thread has come back up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mdmp.monitor.windows.faults import ACCESS_VIOLATION, STACK_OVERFLOW

if TYPE_CHECKING:
    from mdmp.snapshot.exception import ExceptionRecord

WAIT: Final = 3.0
"""Seconds."""
_NEAR: Final = 0x2000
"""Bytes: two pages."""


class Overflow(NamedTuple):
    record: ExceptionRecord
    """With the registers."""
    stack_pointer: int
    time: float
    """By the clock `time.monotonic`."""


class Overflows:
    """Those of one process that were told at first chance, and what becomes of them."""

    def __init__(self) -> None:
        self._pending: dict[int, Overflow] = {}

    def begin(self, record: ExceptionRecord, stack_pointer: int, now: float) -> None:
        if record.code == STACK_OVERFLOW and record.tid is not None:
            self._pending[record.tid] = Overflow(record, stack_pointer, now)

    def fatal(self, record: ExceptionRecord, stack_pointer: int) -> ExceptionRecord | None:
        """The overflow that another first chance shows to be a crash."""
        pending = self._pending.get(record.tid or 0)
        if pending is None:
            return None
        if stack_pointer > pending.stack_pointer + _NEAR:
            self.forget(record.tid or 0)  # it has come back up
            return None
        accessed = record.parameters[1] if len(record.parameters) >= 2 else None
        if record.code != ACCESS_VIOLATION or accessed is None or abs(accessed - stack_pointer) > _NEAR:
            return None
        self.forget(record.tid or 0)
        return pending.record

    def overdue(self, now: float) -> tuple[Overflow, ...]:
        return tuple(one for one in self._pending.values() if now - one.time > WAIT)

    @property
    def last(self) -> ExceptionRecord | None:
        """One of which nothing was heard since."""
        return next((one.record for one in reversed(self._pending.values())), None)

    def forget(self, tid: int) -> None:
        self._pending.pop(tid, None)
