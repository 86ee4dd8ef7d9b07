"""C++ exceptions of GCC's run-time library (MinGW) that nobody catches.

They never come at second chance: the library takes its own exception back when no handler wants it, calls
std::terminate, and the program ends by itself. So each one is remembered when it is thrown; whether it was caught shows
in its header: a handler that wants it is noted there before anything is unwound (catchTemp, where it begins), while
std::terminate catches it (handlerCount) and notes nothing. Until then the thread's stack is what it was at the throw.
Where a compiler makes a handler of `noexcept`, as clang does, that counts as one.

Source: unwind-cxx.h, eh_personality.cc and eh_terminate.cc of libstdc++; unwind-seh.c of libgcc. libc++abi, too, keeps
these fields there. 32-bit programs of MinGW throw without the system's exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mdmp.monitor.windows.faults import GCC

if TYPE_CHECKING:
    from mdmp.snapshot.exception import ExceptionRecord
    from mdmp.snapshot.memory import MemoryReader

_OWNERS: Final = (b"GNUCC++", b"CLNGC++")
_HANDLER_COUNT: Final = -40
_CATCH_TEMP: Final = -16
"""From the unwinder's header on, which is the parameter of the exception."""


class _Throw(NamedTuple):
    record: ExceptionRecord
    header: int
    handler: int | None
    """What was noted then: another one, if it is thrown again."""


class Thrown:
    """The last exception of this kind in each thread of a process."""

    def __init__(self, memory: MemoryReader) -> None:
        self._memory = memory
        self._throws: dict[int, _Throw] = {}
        self._doomed: set[int] = set()
        """Threads in which std::terminate itself has thrown it again, to print what it says."""

    def throw(self, record: ExceptionRecord) -> None:
        """At the first chance of any exception."""
        if record.code != GCC or not record.parameters or record.tid is None:
            return
        before = self._throws.get(record.tid)
        if before and before.header == record.parameters[0]:
            if self._terminates(before):
                self._doomed.add(record.tid)
            if record.tid in self._doomed:
                return
        self._doomed.discard(record.tid)
        header = record.parameters[0]
        self._throws[record.tid] = _Throw(record, header, self._memory.word(header + _CATCH_TEMP, 8))

    def uncaught(self, tid: int) -> ExceptionRecord | None:
        """What a thread has thrown that nobody caught, now that it is about to end the process."""
        last = self._throws.get(tid)
        return last.record if last and (tid in self._doomed or self._terminates(last)) else None

    def forget(self, tid: int) -> None:
        self._throws.pop(tid, None)
        self._doomed.discard(tid)

    def _terminates(self, throw: _Throw) -> bool:
        header = throw.header
        if self._memory.read_some(header, 8)[::-1][:7] not in _OWNERS:
            return False  # what lay there is gone
        count, handler = self._memory.word(header + _HANDLER_COUNT, 4), self._memory.word(header + _CATCH_TEMP, 8)
        return bool(count) and handler == throw.handler
