"""One dump of a process that stands still, made in a thread of its own so that others go on being watched.

What only a dump takes is imported when there is one, or before by `trace.py`: most programs end without.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.memory import LiveMemory, readable
from mdmp.capture.linux.proc import Proc
from mdmp.formats.proc.maps import parse_maps
from mdmp.monitor.linux import faults
from mdmp.monitor.linux.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from mdmp.capture.options import CaptureOptions
    from mdmp.monitor.fault import Fault, Subject
    from mdmp.monitor.keeper import Keeper, Outcome
    from mdmp.monitor.linux.desk import Desk
    from mdmp.monitor.linux.tracer import Process, Task, Tracer
    from mdmp.snapshot import ExceptionRecord, Snapshot


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a dump is made."""

    name: Callable[[Subject], Fault]
    """The fault. Called while the process stands still."""
    task: Task | None = None
    """The thread that it happened in."""
    exceptions: tuple[ExceptionRecord, ...] | None = None
    """Those of the dump. None: the signals that threads have stopped at."""
    copy: bool = False
    """The process goes on: it may do so as soon as there is a copy of it."""


def crash(
    record: ExceptionRecord, how: str, task: Task, *, ended_by: int | None = None, at_end: bool = False
) -> Trigger:
    """`ended_by`: the record is of a fault before, whose handler now ends the process by this signal. `at_end`: the
    signal has ended the process already."""

    def name(subject: Subject) -> Fault:
        proc = Proc(subject.pid)
        maps = parse_maps(proc.text("maps") or b"")
        memory = LiveMemory(proc.living, readable(maps))
        try:
            return faults.crash(record, faults.StoppedProcess(proc, maps, memory), subject, how, ended_by)
        finally:
            memory.close()

    return Trigger(name, task, (record,) if ended_by or at_end else None)


class Dumper:
    """Belongs to the tracing thread."""

    def __init__(self, tracer: Tracer, desk: Desk, keeper: Keeper) -> None:
        self._tracer = tracer
        self._desk = desk
        self._keeper = keeper
        self._executor: ThreadPoolExecutor | None = None
        self.working = 0
        """Dumps that are not done."""

    def start(self, process: Process, trigger: Trigger) -> None:
        """Stops the process, makes the dump, and lets the process go on."""
        process.busy = True
        self.working += 1
        self._tracer.hold(process, lambda: self._submit(process, trigger))

    def _submit(self, process: Process, trigger: Trigger) -> None:
        from concurrent.futures import ThreadPoolExecutor

        if trigger.task is not None:
            trigger.task.examined = True
        threads = _threads(process, trigger)
        self._executor = self._executor or ThreadPoolExecutor(1, "mdmp dump")
        try:
            future = self._executor.submit(self._make, process, trigger, threads)
        except RuntimeError:  # the system allows no more threads: we do it ourselves, and all others wait
            self._executor = None  # it would do it a second time as soon as it has a thread
            try:
                self._make(process, trigger, threads)
            finally:
                self._over(process)
        else:
            future.add_done_callback(lambda done: self._desk.call(self._done, process, done))

    def _make(self, process: Process, trigger: Trigger, threads: Mapping[int, int | None]) -> Outcome:
        from mdmp.capture.linux.capture import capture_linux
        from mdmp.capture.linux.freeze import Traced

        fault = trigger.name(subject_of(process.pid))
        release = self._tracer.release
        traced = Traced(
            threads,
            self._desk.call,
            (lambda: release(process)) if trigger.copy else None,
            self._tracer.options,
        )

        @contextmanager
        def capture(options: CaptureOptions) -> Iterator[Snapshot]:
            with capture_linux(process.pid, options, traced) as snapshot:
                yield _completed(snapshot, fault, trigger)

        return self._keeper.keep(fault, capture)

    def _done(self, process: Process, done: Future[Outcome]) -> None:
        self._over(process)
        done.result()

    def _over(self, process: Process) -> None:
        self.working -= 1
        process.busy = False
        if process.held:
            self._tracer.release(process)
        else:
            self._tracer.again(process)

    def close(self) -> None:
        if self._executor:
            self._executor.shutdown()


def _threads(process: Process, trigger: Trigger) -> dict[int, int | None]:
    """As `Traced` wants them, the one with the fault first."""
    tasks = sorted(process.tasks.values(), key=lambda task: task is not trigger.task)
    return {task.tid: _stop_of(task, task is trigger.task) for task in tasks if not task.exiting}


def _stop_of(task: Task, is_it: bool) -> int | None:
    """Signals of other threads are told only if they are faults."""
    from mdmp.capture.linux.freeze import BUSY

    if task.stop is None:
        return None
    if task.signal and (is_it or task.signal in faults.DUMP_CORE):
        return task.signal
    asked = task.stop >> 16 == syscalls.EVENT_STOP and os.WSTOPSIG(task.stop) == signal.SIGTRAP
    return 0 if asked else BUSY


def _completed(snapshot: Snapshot, fault: Fault, trigger: Trigger) -> Snapshot:
    assertion = faults.assertion_of(fault.messages)
    if assertion:
        snapshot = replace(snapshot, annotations=replace(snapshot.annotations, assertion=assertion))
    return snapshot if trigger.exceptions is None else replace(snapshot, exceptions=trigger.exceptions)
