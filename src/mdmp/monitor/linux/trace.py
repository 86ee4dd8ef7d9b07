"""Programs traced by ptrace: from their start, or from now on."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, TypeVar

from mdmp.capture.linux import syscalls
from mdmp.errors import UsageError
from mdmp.monitor.linux.desk import Desk
from mdmp.monitor.linux.dump import Dumper
from mdmp.monitor.linux.passing import PASSED, Passing, stop_with
from mdmp.monitor.linux.start import Child, find_program
from mdmp.monitor.linux.tracer import Process, Task, Tracer
from mdmp.monitor.linux.triggers import Triggers
from mdmp.monitor.watch.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.linux.triggers import Maker
    from mdmp.monitor.options import MonitorOptions

T = TypeVar("T")

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
"""What ends watching: the processes go on."""
_LONGEST = 1.0
"""Seconds without a look: another thread of a program that uses us may have taken a SIGCHLD from us."""
_SOON = 0.01
_SHORT = 0.2
"""Seconds: a program that ends before takes no dump as a rule, and does not wait for what that takes."""
_FOR_A_DUMP = ("mdmp.capture.linux.capture", "mdmp.monitor.one_fault")


def run_linux(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    path = find_program(arguments[0])
    sys.stdout.flush()
    sys.stderr.flush()
    with _blocked(PASSED) as mask:
        child = Child(path, arguments, mask)
        try:
            status = _in_thread(lambda: _watch_child(child, keeper, options))
            if problem := child.problem():
                raise problem
        finally:
            child.close()
    return status


def _watch_child(child: Child, keeper: Keeper, options: MonitorOptions) -> int:
    loop = Loop(keeper, options, "run", PASSED, child.pid)
    try:
        loop.tracer.seize(child.pid)
        child.go()
        loop.run()
    finally:
        loop.close()
    return loop.status


def attach_linux(pid: int, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> None:
    with _blocked(_ENDING):
        _in_thread(lambda: _watch(pid, keeper, options))


def _watch(pid: int, keeper: Keeper, options: MonitorOptions) -> None:
    loop = Loop(keeper, options, "attach", _ENDING)
    try:
        loop.begin(loop.tracer.seize(pid))
        if options.watching:
            options.watching()
        loop.run()
    finally:
        loop.close()


def _in_thread(watch: Callable[[], T]) -> T:
    """Calls it in a thread of its own: when that ends, the kernel lets all go that it has traced. Meanwhile what a dump
    takes is imported, not to do so when one is urgent, or when mdmp is another version on the disk."""
    results: list[T] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            results.append(watch())
        except BaseException as problem:  # noqa: BLE001 - it is the caller's
            problems.append(problem)

    thread = threading.Thread(target=work, name="mdmp tracer")
    try:
        thread.start()
    except RuntimeError:
        raise UsageError("the system allows no more processes and threads (ulimit -u)") from None
    thread.join(_SHORT)
    if thread.is_alive():
        for name in _FOR_A_DUMP:
            import_module(name)
        thread.join()
    if problems:
        raise problems[0]
    return results[0]


@contextmanager
def _blocked(signals: AbstractSet[signal.Signals]) -> Iterator[Iterable[int]]:
    """For this thread and those that it starts; what was blocked before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals | {signal.SIGCHLD})
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Loop:
    """Waits for all that can happen, and acts on it: the `Events` of a tracer."""

    def __init__(
        self, keeper: Keeper, options: MonitorOptions, how: str, heard: AbstractSet[signal.Signals], child: int = 0
    ) -> None:
        """`child`: the process that we have started, and whose signals are passed on."""
        what = syscalls.O_TRACECLONE | syscalls.O_TRACEEXEC | syscalls.O_TRACEEXIT
        if options.follow:
            what |= syscalls.O_TRACEFORK | syscalls.O_TRACEVFORK
        self.tracer = Tracer(self, what)
        self.status = 0
        """The child's, as a shell gives it."""
        self._options = options
        self._heard = heard | {signal.SIGCHLD}
        self._child = child
        self._passing = Passing(child) if child else None
        self._running = True
        self._quota = Quota(options.number, options.spacing)
        self._desk = Desk()
        self._dumper = Dumper(self.tracer, self._desk, keeper)
        self._triggers: dict[int, Triggers] = {}
        self._how = how

    def run(self) -> None:
        while self.tracer.processes and self._running:
            self._turn()
            if self._quota.spent and not self._child and not self._dumper.working:
                break

    def close(self) -> None:
        """Lets dumps that were begun become complete."""
        while self._dumper.working:
            self._turn()
        self._dumper.close()

    def _turn(self) -> None:
        all_seen = self.tracer.drain()
        self._desk.serve()
        timeout = _LONGEST if all_seen else 0.0
        if not self.tracer.look_again():
            timeout = min(timeout, _SOON)
        if self._passing and not self._passing.pass_on():
            timeout = min(timeout, _SOON)
        timeout = min(timeout, self._look())
        if not self.tracer.processes and not self._dumper.working:
            return
        heard = signal.sigtimedwait(self._heard, timeout)
        if heard and heard.si_signo != signal.SIGCHLD:
            self._signal(heard.si_signo, heard.si_code, heard.si_pid)

    def _signal(self, number: int, code: int, sender: int) -> None:
        if self._passing and self._child in self.tracer.processes:
            self._passing.heard(number, code, sender)
        elif number in _ENDING and self._options.ended_by in (None, sender):
            self._running = False

    def _look(self) -> float:
        """Looks whether conditions are fulfilled; seconds until the next look."""
        soonest = inf
        for pid, triggers in list(self._triggers.items()):
            process = self.tracer.processes[pid]
            if process.busy or process.held:
                continue
            if trigger := triggers.look(time.monotonic()):
                self._dumper.start(process, trigger)
            soonest = min(soonest, triggers.due(time.monotonic()))
        return soonest

    def begin(self, process: Process) -> None:
        """From now on what happens to it counts."""
        self._triggers[process.pid] = Triggers(process.pid, self._options, self._quota, self._how)

    # What the tracer tells.

    def wants(self, pid: int) -> bool:
        return self._options.follow

    def born(self, process: Process) -> None:
        self.begin(process)

    def signalled(self, task: Task, number: int) -> bool:
        triggers = self._triggers.get(task.process.pid)
        if triggers is None:
            return False  # the program has not begun
        passing = self._passing if task.process.pid == self._child and number in PASSED else None
        return self._start(task.process, triggers.signalled(task, number, passing))

    def exiting(self, task: Task, status: int) -> bool:
        triggers = self._triggers.get(task.process.pid)
        return triggers is not None and self._start(task.process, triggers.exiting(task, status))

    def _start(self, process: Process, make: Maker | None) -> bool:
        """Whether the thread has to stay as it is: for a dump, or until the one before is done."""
        if make is None or process.busy:
            return make is not None
        trigger = make()
        if trigger:
            self._dumper.start(process, trigger)
        return trigger is not None

    def executed(self, process: Process) -> None:
        if self._options.end_at_exec:
            self._triggers.pop(process.pid, None)
            self.tracer.let_go(process)
        else:
            self.begin(process)

    def stopped(self, process: Process, number: int) -> None:
        if process.pid == self._child:
            stop_with(process.pid, number)

    def ended(self, process: Process, status: int) -> None:
        self._triggers.pop(process.pid, None)
        if process.pid == self._child:
            code = os.waitstatus_to_exitcode(status)
            self.status = code if code >= 0 else 128 - code
