"""Processes traced by ptrace: their threads as they come and go, stop, and are let on."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.permission import check, refusal
from mdmp.capture.linux.proc import Proc, read_text
from mdmp.capture.linux.registers import restart_call
from mdmp.capture.linux.syscalls import Request
from mdmp.errors import UsageError
from mdmp.formats.proc.status import number_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.linux.first_chance import FirstChance

_MANY = 1000
"""Stops that are looked at in a row before other things get their turn."""
_PATIENCE = 0.03
"""Seconds after which threads are looked at that did not stop."""
_ROUND = 1.0
"""Seconds between looks at whether all processes are still there."""
_ANY_OF_OURS = os.WNOHANG | syscalls.WALL | syscalls.WNOTHREAD


@dataclass(slots=True, eq=False)
class Task:
    """A thread."""

    tid: int
    process: Process
    stop: int | None = None
    """The status that `wait` told when it stopped; None: it runs (or has stopped with its group, and listens)."""
    examined: bool = False
    """What is to be done at this stop was done; it only has to go on."""
    exiting: bool = False
    """It is on its way out, and stops no more."""
    first_chance: FirstChance | None = None

    @property
    def signal(self) -> int:
        """The signal that it is about to get; 0: none."""
        return os.WSTOPSIG(self.stop) if self.stop is not None and not self.stop >> 16 else 0


@dataclass(slots=True, eq=False)
class Process:
    pid: int
    tasks: dict[int, Task] = field(default_factory=dict)
    held: Callable[[], None] | None = None
    """It is to stand still: whoever stops stays so. To be called once when all have stopped."""
    all_stopped: bool = False
    held_since: float = 0.0
    last_status: int = 0
    """What the thread that ended last was about to end with, as `wait` tells it."""
    busy: bool = False
    """A dump of it is being made, and it may run meanwhile: what else happens to it has to wait."""


class Events(Protocol):
    """Who decides. `True` keeps the thread stopped, until `Tracer.release`."""

    def wants(self, pid: int) -> bool:
        """A process was born to one that is traced: shall it be traced, too?"""

    def born(self, process: Process) -> None: ...
    def signalled(self, task: Task, number: int) -> bool: ...
    def exiting(self, task: Task, status: int) -> bool: ...
    def executed(self, process: Process) -> None:
        """It has become another program, with one thread."""

    def stopped(self, process: Process, number: int) -> None:
        """By a stop signal, as for job control."""

    def ended(self, process: Process, status: int) -> None: ...


class Tracer:
    """All belongs into one thread. When that ends, the kernel lets all go, in whatever state they are."""

    def __init__(self, events: Events, options: int) -> None:
        self.options = options
        self.processes: dict[int, Process] = {}
        self._events = events
        self._tasks: dict[int, Task] = {}
        self._next_round = 0.0

    def seize(self, pid: int) -> Process:
        """All threads of a process, which goes on running. `UsageError` when we may not, and why."""
        proc = Proc(pid)
        check(proc)
        process = self.processes[pid] = Process(pid)
        seen: set[int] = set()
        while fresh := [tid for tid in proc.tids() if tid not in seen and tid not in self._tasks]:
            for tid in fresh:
                seen.add(tid)
                try:
                    syscalls.ptrace(Request.SEIZE, tid, 0, self.options)
                except ProcessLookupError:
                    continue
                except PermissionError as problem:
                    stat = proc.stat(tid)
                    if stat is None or stat.state in "ZX" or _is_ours(tid):
                        continue
                    raise UsageError(refusal(proc, problem)) from None
                self._tasks[tid] = process.tasks[tid] = Task(tid, process)
        if not process.tasks:
            raise UsageError(f"process {pid} has ended")
        return process

    def drain(self) -> bool:
        """Acts on all stops and ends that there are. False: there may be more."""
        for _ in range(_MANY):
            try:
                tid, status = os.waitpid(-1, _ANY_OF_OURS)
            except ChildProcessError:
                self._next_round = 0.0
                return True
            if not tid:
                return True
            if os.WIFSTOPPED(status):
                task = self._tasks.get(tid) or self._newborn(tid)
                if task:
                    task.stop, task.examined, task.exiting = status, False, False
                    self._act(task)
            else:
                self._gone(tid, status)
        return False

    def _newborn(self, tid: int) -> Task | None:
        """A thread or process that the kernel has seized for us, at its first stop."""
        pid = number_in(read_text(f"/proc/{tid}/status") or b"", "Tgid")
        process = self.processes.get(pid) if pid else None
        if process is None:
            if pid is None or not self._events.wants(pid):
                with suppress(ProcessLookupError):
                    syscalls.ptrace(Request.DETACH, tid)
                return None
            process = self.processes[pid] = Process(pid)
            self._events.born(process)
        task = self._tasks[tid] = process.tasks[tid] = Task(tid, process)
        return task

    def _gone(self, tid: int, status: int) -> None:
        task = self._tasks.pop(tid, None)
        if task is None:
            return
        process = task.process
        process.tasks.pop(tid, None)
        if tid == process.pid or not process.tasks:
            for other in process.tasks:
                self._tasks.pop(other, None)
            process.tasks.clear()
            if self.processes.pop(process.pid, None):
                self._events.ended(process, status)
        self._look_at_held(process)

    def _lost(self, process: Process) -> None:
        """It has ended while a dump was made of it: the one who made calls in it heard of that instead of us."""
        for tid in process.tasks:
            self._tasks.pop(tid, None)
        process.tasks.clear()
        if self.processes.pop(process.pid, None):
            self._events.ended(process, process.last_status)
        self._look_at_held(process)

    def _act(self, task: Task) -> None:
        process, status = task.process, task.stop
        if status is None:
            return
        if process.held:
            self._look_at_held(process)
            return
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == syscalls.EVENT_STOP and number != signal.SIGTRAP:
            self._listen(task, number)
            return
        if event == syscalls.EVENT_EXEC:
            for other in [tid for tid in process.tasks if tid != task.tid]:
                self._tasks.pop(other, None)
                process.tasks.pop(other)
            self._events.executed(process)
            if task.tid not in self._tasks:
                return
        elif event == syscalls.EVENT_EXIT and not task.examined:
            process.last_status = message(task.tid)
            if self._events.exiting(task, process.last_status):
                return
        elif not event and not task.examined and self._events.signalled(task, number):
            return
        self._go_on(task)

    def _go_on(self, task: Task) -> None:
        number, event = task.signal, (task.stop or 0) >> 16
        task.exiting = event == syscalls.EVENT_EXIT
        task.stop = None
        with suppress(ProcessLookupError):  # it was killed meanwhile
            if event in (0, syscalls.EVENT_STOP):  # a signal that is ignored wakes a thread only because we trace it
                restart_call(task.tid)
            syscalls.ptrace(Request.CONT, task.tid, 0, number)

    def _listen(self, task: Task, number: int) -> None:
        """It stays stopped with its group, until it is continued."""
        task.stop = None
        with suppress(ProcessLookupError):
            syscalls.ptrace(Request.LISTEN, task.tid)
        if task.tid == task.process.pid:
            self._events.stopped(task.process, number)

    def hold(self, process: Process, then: Callable[[], None]) -> None:
        """Stops all threads of a process, and calls `then` when they have stopped."""
        process.held, process.all_stopped, process.held_since = then, False, time.monotonic()
        for task in process.tasks.values():
            if task.stop is None and not task.exiting:
                with suppress(ProcessLookupError):
                    syscalls.ptrace(Request.INTERRUPT, task.tid)
        self._look_at_held(process)

    def _look_at_held(self, process: Process) -> None:
        if process.held is None or process.all_stopped:
            return
        late = time.monotonic() - process.held_since > _PATIENCE
        for tid in Proc(process.pid).tids():
            task = self._tasks.get(tid)
            if task is None or (task.stop is None and not task.exiting):
                stat = Proc(process.pid).stat(tid)
                if stat is not None and stat.state not in ("ZXD" if late else "ZX"):
                    return  # one that was just born will stop, too; one in state D may never
        process.all_stopped = True
        process.held()

    def look_again(self) -> bool:
        """Whether all is well with the processes that are to stand still; False: call again soon."""
        now = time.monotonic()
        if now >= self._next_round:
            self._next_round = now + _ROUND
            for process in [one for one in self.processes.values() if not os.path.exists(f"/proc/{one.pid}")]:
                self._lost(process)
        waiting = [process for process in self.processes.values() if process.held and not process.all_stopped]
        for process in waiting:
            self._look_at_held(process)
        return not waiting

    def release(self, process: Process) -> None:
        """Lets the threads of a process that was held on, those first whose stop was examined."""
        process.held, process.all_stopped = None, False
        for task in sorted(process.tasks.values(), key=lambda task: not task.examined):
            if task.stop is not None:
                with suppress(OSError):
                    syscalls.ptrace(Request.SETOPTIONS, task.tid, 0, self.options)
                self._act(task)

    def again(self, process: Process) -> None:
        """Acts anew on the stops of threads that were kept so."""
        for task in list(process.tasks.values()):
            self._act(task)

    def let_go(self, process: Process) -> None:
        """No longer traced. It must have one thread, which has stopped."""
        for tid in process.tasks:
            self._tasks.pop(tid, None)
            with suppress(ProcessLookupError):
                syscalls.ptrace(Request.DETACH, tid)
        self.processes.pop(process.pid, None)


def _is_ours(tid: int) -> bool:
    """This thread traces it already: it was born to one that we had seized, and its first stop is still to come."""
    return number_in(read_text(f"/proc/{tid}/status") or b"", "TracerPid") == threading.get_native_id()


def message(tid: int) -> int:
    """What an event of ptrace comes with: at the end of a thread, its status as `wait` tells it."""
    try:
        return int.from_bytes(syscalls.ptrace_read(Request.GETEVENTMSG, tid, 0, 8), "little")
    except ProcessLookupError:
        return 0
