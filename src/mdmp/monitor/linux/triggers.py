"""What of all that happens to one process is a reason for a dump."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.arch import CPUS
from mdmp.capture.linux.memory import LiveMemory, readable
from mdmp.capture.linux.proc import Proc
from mdmp.capture.linux.registers import parse_general, parse_siginfo, read_context, read_general, read_siginfo
from mdmp.formats.proc.maps import parse_maps
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.linux.dispositions import is_deadly, matches
from mdmp.monitor.linux.dump import Trigger, crash
from mdmp.monitor.linux.faults import DUMP_CORE, address_of, describe, is_fault, name_of
from mdmp.monitor.linux.first_chance import FirstChance, is_handled_now
from mdmp.monitor.linux.sample import LinuxSampler
from mdmp.monitor.watch.watcher import Watcher
from mdmp.snapshot import ExceptionRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.linux.passing import Passing
    from mdmp.monitor.linux.tracer import Task
    from mdmp.monitor.options import MonitorOptions
    from mdmp.monitor.watch.quota import Quota
    from mdmp.snapshot import Context

    Maker = Callable[[], Trigger | None]
    """What makes a dump of it, if as many as were asked for are not there yet."""

_EXIT_GROUP = {"amd64": ("orig_rax", 231), "x86": ("orig_eax", 252), "arm64": ("x8", 94)}
"""The register with the number of a system call, and that of the call which ends all threads."""
_SYS_SECCOMP = 1
"""si_code."""


class Triggers:
    def __init__(self, pid: int, options: MonitorOptions, quota: Quota, how: str) -> None:
        self._pid = pid
        self._options = options
        self._quota = quota
        self._how = how
        self._crashed = False
        self._watcher = Watcher(options.conditions, LinuxSampler(pid, options.conditions), quota)

    def due(self, now: float) -> float:
        """Seconds until `look` wants to be called; infinite when there is no need."""
        return self._watcher.due(now)

    def look(self, now: float) -> Trigger | None:
        """Is a condition fulfilled?"""
        firing = self._watcher.look(now)
        if firing is None:
            return None
        kind, text, how = firing.condition.kind, firing.text, self._how
        return Trigger(lambda subject: Fault(kind, subject, text, how=how), exceptions=(), copy=True)

    def signalled(self, task: Task, number: int, passing: Passing | None = None) -> Maker | None:
        """A thread is about to get a signal. `passing` wants to hear what the program has got."""
        options = self._options
        wanted = number in options.signals
        first_chance = bool(options.first_chance) and matches(number, options.first_chance)
        core = number in DUMP_CORE
        if not (wanted or first_chance or core or passing):
            return None
        raw = read_siginfo(task.tid)
        if raw is None:
            return None
        if passing:
            passing.got(raw)
        if not (wanted or first_chance or core):
            return None
        if core and is_deadly(Proc(self._pid).text("status") or b"", number):
            return None if self._crashed or not options.crashes else lambda: self._crash(task, raw)
        if is_fault(raw):
            task.first_chance = FirstChance(task.tid, raw, read_general(task.tid))
        kind = "signal" if wanted else "handled_exception"
        return (lambda: self._other(kind, task, raw)) if wanted or first_chance else None

    def _crash(self, task: Task, siginfo: bytes) -> Trigger | None:
        if not self._allowed():
            return None
        self._crashed = True
        record = parse_siginfo(siginfo, task.tid, read_context(task.tid))
        first = task.first_chance.exception if task.first_chance else None
        if first and record.context and self._is_handled(first, record.context):
            return crash(first, self._how, task, ended_by=record.code)
        return crash(record, self._how, task)

    def _is_handled(self, first: ExceptionRecord, context: Context) -> bool:
        proc = Proc(self._pid)
        memory = LiveMemory(proc.living, readable(parse_maps(proc.text("maps") or b"")))
        try:
            return is_handled_now(first, context, memory)
        finally:
            memory.close()

    def _other(self, kind: str, task: Task, siginfo: bytes) -> Trigger | None:
        record, how = parse_siginfo(siginfo, task.tid, None), self._how

        def name(subject: Subject) -> Fault:
            text, address = describe(record, subject.pid), address_of(record)
            return Fault(kind, subject, text, tid=task.tid, code=record.code, address=address, how=how)

        return Trigger(name, task, copy=True) if self._allowed() else None

    def _allowed(self) -> bool:
        return self._quota.allow(time.monotonic(), is_crash=True)

    def exiting(self, task: Task, status: int) -> Maker | None:
        """A thread ends. `status` as `wait` tells it."""
        number, codes = status & 0x7F, self._options.exit_codes
        if self._crashed:
            return None
        if number in DUMP_CORE and self._options.crashes:
            return lambda: self._killed(task, number)
        code = 128 + number if number else status >> 8 & 0xFF
        if codes is None or (codes and code not in codes) or not (number or self._is_last(task.tid)):
            return None
        return lambda: self._ended(task, code, number)

    def _killed(self, task: Task, number: int) -> Trigger | None:
        """Without a stop before: by seccomp, or where not even a signal could be delivered."""
        if not self._allowed():
            return None
        self._crashed = True
        context = read_context(task.tid)
        record = ExceptionRecord(task.tid, number, 0, None, context=context)
        if number == signal.SIGSYS and context:
            record = replace(record, flags=_SYS_SECCOMP, address=context.registers.get(CPUS[context.cpu].pc))
        return crash(record, self._how, task, at_end=True)

    def _ended(self, task: Task, code: int, number: int) -> Trigger | None:
        if not self._allowed():
            return None
        self._crashed, how = True, self._how
        text = f"ended by {name_of(number)}" if number else f"ended with exit code {code}"
        return Trigger(lambda subject: Fault("exit", subject, text, tid=task.tid, code=code, how=how), task, ())

    def _is_last(self, tid: int) -> bool:
        """With this thread the whole process ends."""
        proc = Proc(self._pid)
        others = (stat for other in proc.tids() if other != tid and (stat := proc.stat(other)))
        if all(stat.state in "ZX" for stat in others):
            return True
        context = parse_general(read_general(tid))
        register, call = _EXIT_GROUP.get(context.cpu, ("", 0)) if context else ("", 0)
        return context is not None and context.registers.get(register) == call
