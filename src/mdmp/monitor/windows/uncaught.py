"""C++ exceptions of GCC's run-time library (MinGW) that nobody catches.

They never come at second chance: the library takes its own exception back when no handler wants it, calls
std::terminate, and the program ends by itself. So each one is remembered when it is thrown; whether it was caught shows
in its header: a handler that wants it is noted there first (catchTemp, its address), while std::terminate catches it
(handlerCount) without one. Until then the thread's stack is what it was at the throw.

Source: unwind-cxx.h, eh_personality.cc and eh_terminate.cc of libstdc++; unwind-seh.c of libgcc. libc++abi, too, keeps
these fields there. 32-bit programs of MinGW throw without the system's exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mdmp.monitor.windows.faults import GCC

if TYPE_CHECKING:
    from mdmp.snapshot.exception import ExceptionRecord
    from mdmp.snapshot.memory import MemoryReader

_OWNERS: Final = (b"GNUCC++", b"CLNGC++")
_HANDLER_COUNT: Final = -40
_CATCH_TEMP: Final = -16
"""From the unwinder's header on, which is the parameter of the exception."""


class Thrown:
    """The last exception of this kind in each thread of a process."""

    def __init__(self, memory: MemoryReader) -> None:
        self._memory = memory
        self._records: dict[int, ExceptionRecord] = {}
        self._doomed: set[int] = set()
        """Threads in which the library itself throws it again, to print what it says."""

    def throw(self, record: ExceptionRecord) -> None:
        """At the first chance of any exception."""
        if record.code != GCC or not record.parameters or record.tid is None:
            return
        before = self._records.get(record.tid)
        again = before is not None and before.parameters[0] == record.parameters[0]
        if again and self._terminates(record.parameters[0]):
            self._doomed.add(record.tid)
        elif not (again and record.tid in self._doomed):
            self._doomed.discard(record.tid)
            self._records[record.tid] = record

    def uncaught(self, tid: int) -> ExceptionRecord | None:
        """What a thread has thrown that nobody caught, now that it is about to end the process."""
        record = self._records.get(tid)
        if record and (tid in self._doomed or self._terminates(record.parameters[0])):
            return record
        return None

    def _terminates(self, header: int) -> bool:
        if self._memory.read_some(header, 8)[::-1][:7] not in _OWNERS:
            return False  # what lay there is gone
        count, handler = self._memory.word(header + _HANDLER_COUNT, 4), self._memory.word(header + _CATCH_TEMP, 8)
        return bool(count) and handler == 0
