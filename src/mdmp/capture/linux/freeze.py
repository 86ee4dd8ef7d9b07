"""Every thread of a process stopped by ptrace, and let go again.

A tracer is a thread. The kernel lets all go that a thread has seized when it ends, however it ends, in whatever state
they are; so a thread of our own does it, which ends with the capture. Nothing here asks for PTRACE_O_EXITKILL.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.permission import refusal
from mdmp.capture.linux.proc import Proc
from mdmp.capture.linux.registers import restart_call
from mdmp.capture.linux.syscalls import Request
from mdmp.errors import UnusableInputError, UsageError
from mdmp.formats.proc.status import number as number_in
from mdmp.formats.proc.status import parse_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    class Caller(Protocol):
        def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...


P = ParamSpec("P")
T = TypeVar("T")


def _at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Traced:
    """A process that somebody, such as a monitor, has seized before."""

    threads: Mapping[int, int | None]
    """A number is the signal that a thread has stopped at (0: because it was asked to; `BUSY`): it stays stopped.
    None is a thread that runs: it is traced and runs again afterwards."""
    call: Caller = _at_once
    """Calls a function in the thread that traces them. The default: that is the calling thread itself."""
    resume: Callable[[], None] | None = None
    """Lets all threads go on. Called once, when a copy of the process was made; None: no copy shall be made."""
    options: int = 0
    """Those of ptrace that the threads are traced with."""


BUSY = -1
"""A thread that has stopped otherwise, such as in the middle of a system call: it cannot be made to do anything."""
_PATIENCE = 0.03
"""Seconds after which a thread is looked at that has not stopped."""


class Frozen:
    """A process that stands still. Its methods belong into the tracing thread: see `call`."""

    def __init__(self, proc: Proc, limit: float, traced: Traced | None = None) -> None:
        self.proc = proc
        self.options = traced.options if traced else 0
        """Those of ptrace that have to be put back after others were used."""
        self._traced = traced
        self._known = dict(traced.threads) if traced else {}
        """Threads that are traced by others, and have to stay so."""
        self.signals: dict[int, int] = {}
        """Each stopped thread, and the signal that it was about to get and will get (0: none; or `BUSY`)."""
        self.stuck: set[int] = set()
        """Threads that wait in the kernel and cannot be stopped there: they run no code of the program either."""
        self.stopped_before = False
        """A stop signal (SIGSTOP…) had stopped the process already, so it does not mind standing still."""
        self.since = 0.0
        """When the first thread was stopped, by the clock `time.monotonic`."""
        self.until: float | None = None
        self._limit = limit
        self._pending: set[int] = set()
        self._gone: set[int] = set()
        self._executor = ThreadPoolExecutor(1, "mdmp tracer") if traced is None else None

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function says in the thread that may use ptrace."""
        if self._traced is not None:
            return self._traced.call(function, *args, **kwargs)
        if self._executor is None:
            raise UsageError("the process has been let go already")
        return self._executor.submit(function, *args, **kwargs).result()

    def hold(self) -> None:
        """Stops all threads."""
        self.since = time.monotonic()
        deadline = self.since + self._limit
        self.signals.update((tid, number) for tid, number in self._known.items() if number is not None)
        while fresh := self._fresh():
            for tid in fresh:
                self._seize(tid)
            while self._pending:
                self._wait(deadline)
        if not self.signals and not self.stuck:
            raise UnusableInputError(f"process {self.proc.pid} ended before it could be captured")

    def hold_one(self, tid: int) -> bool:
        """Stops one thread, for a moment. False when it has ended or is busy with a signal or a call."""
        self._seize(tid)
        deadline = time.monotonic() + self._limit
        while self._pending:
            self._wait(deadline)
        return self.signals.get(tid) == 0

    def _fresh(self) -> list[int]:
        """Threads that nobody asked to stop yet: those born while others were stopped come in the next round."""
        known = self.signals.keys() | self.stuck | self._gone
        return [tid for tid in self.proc.tids() if tid not in known]

    def _seize(self, tid: int) -> None:
        try:
            if tid not in self._known:
                syscalls.ptrace(Request.SEIZE, tid)
        except ProcessLookupError:
            self._gone.add(tid)
            return
        except PermissionError as problem:
            stat = self.proc.stat(tid)
            # A main thread may end before the others, and one that a caller has traced may be on its way out.
            if stat is None or stat.state in "ZX" or self._is_ours(tid):
                self._gone.add(tid)
                return
            raise UsageError(refusal(self.proc, problem)) from None
        self._pending.add(tid)
        with suppress(ProcessLookupError):  # it has ended meanwhile: waiting will tell
            syscalls.ptrace(Request.INTERRUPT, tid)

    def _is_ours(self, tid: int) -> bool:
        """Whether a thread of ours traces it."""
        tracer = number_in(parse_fields(self.proc.text(f"task/{tid}/status") or b""), "TracerPid")
        return bool(tracer) and os.path.exists(f"/proc/self/task/{tracer}")

    def _wait(self, deadline: float) -> None:
        """Takes note of every thread that has stopped; one that has not gets a while."""
        began = time.monotonic()
        pause = 0.00005
        while self._pending:
            for tid in tuple(self._pending):
                self._look(tid)
            now = time.monotonic()
            if self._pending and now - began > _PATIENCE:
                self._set_stuck_aside()
                if self._pending and now > deadline:
                    raise UnusableInputError(self._too_late())
            if self._pending:
                time.sleep(pause)
                pause = min(pause * 2, 0.01)

    def _look(self, tid: int) -> None:
        """Without waiting: has a thread stopped, or ended?"""
        how = os.WSTOPPED | os.WEXITED | os.WNOHANG | syscalls.WALL
        try:
            told = os.waitid(os.P_PID, tid, how | os.WNOWAIT)
        except ChildProcessError:
            self._forget(tid)
            return
        if told is None:
            return
        if told.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
            # Who traces the threads already, or is the parent of the process, wants to hear itself how they ended.
            if tid not in self._known and (tid != self.proc.pid or self.proc.parent != os.getpid()):
                os.waitpid(tid, syscalls.WALL | os.WNOHANG)
            self._forget(tid)
            return
        _, status = os.waitpid(tid, syscalls.WALL | os.WNOHANG)
        event, number = status >> 16, os.WSTOPSIG(status)
        self._pending.discard(tid)
        self.stuck.discard(tid)
        self.stopped_before |= event == syscalls.EVENT_STOP and number != signal.SIGTRAP
        self.signals[tid] = 0 if event == syscalls.EVENT_STOP else BUSY if event else number

    def _forget(self, tid: int) -> None:
        self._pending.discard(tid)
        self.stuck.discard(tid)
        self._gone.add(tid)

    def _set_stuck_aside(self) -> None:
        for tid in tuple(self._pending):
            stat = self.proc.stat(tid)
            if stat is not None and stat.state == "D":
                self._pending.discard(tid)
                self.stuck.add(tid)

    def _too_late(self) -> str:
        states = [f"{tid} ({stat.state})" for tid in sorted(self._pending) if (stat := self.proc.stat(tid))]
        return f"process {self.proc.pid} did not stop within {self._limit:g} s; still running: {', '.join(states)}"

    def release(self) -> None:
        """Lets every thread go, with the signal it was about to get."""
        self._pending |= self.stuck
        for tid in tuple(self._pending):
            self._look(tid)
        for tid, number in self.signals.items():
            known = tid in self._known
            if self._known.get(tid) is not None:
                continue  # as it was: stopped
            with suppress(ProcessLookupError):  # somebody killed it
                restart_call(tid)
                syscalls.ptrace(Request.CONT if known else Request.DETACH, tid, 0, max(number, 0))
        self.signals.clear()
        if self.until is None:
            self.until = time.monotonic()

    def resume(self) -> None:
        """Lets every thread go, those too that had been stopped before by whom traces them."""
        self.release()
        if self._traced is not None and self._traced.resume is not None:
            self._traced.resume()
            self._known = dict.fromkeys(self._known)

    def close(self) -> None:
        """Lets all go and ends the tracing thread."""
        if self._traced is not None:
            self.call(self.release)
        elif self._executor is not None:
            try:
                self.call(self.release)
            finally:
                self._executor.shutdown()
                self._executor = None


@contextmanager
def freeze(proc: Proc, limit: float, traced: Traced | None = None) -> Iterator[Frozen]:
    """The process with all its threads stopped. `UsageError` when we may not, `UnusableInputError` when it will not."""
    frozen = Frozen(proc, limit, traced)
    try:
        frozen.call(frozen.hold)
        yield frozen
    finally:
        frozen.close()
