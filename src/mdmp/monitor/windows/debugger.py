"""The debug API's events of some processes, and what is done about them."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.fault import Fault
from mdmp.monitor.run import StartError
from mdmp.monitor.watch.quota import Quota
from mdmp.monitor.watch.watcher import Watcher
from mdmp.monitor.windows import faults
from mdmp.monitor.windows.events import (
    EVENT_SIZE,
    Event,
    Loaded,
    Printed,
    ProcessBegan,
    ProcessEnded,
    Raised,
    Rip,
    ThreadBegan,
    ThreadEnded,
    Unloaded,
    parse_event,
)
from mdmp.monitor.windows.first_chance import Filters
from mdmp.monitor.windows.jit_info import read_jit_info
from mdmp.monitor.windows.start import NOT_RUN
from mdmp.platforms.ntstatus import PLAIN
from mdmp.snapshot.exception import ExceptionRecord
from mdmp.snapshot.stacks import pointer_of
from mdmp.snapshot.thrown import thrown_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mdmp.capture.options import CaptureOptions
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions
    from mdmp.monitor.windows.overflow import Overflow
    from mdmp.snapshot import Snapshot
    from mdmp.snapshot.thrown import ThrownObject

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.capture import capture_windows
from mdmp.capture.windows.dbghelp import write_minidump
from mdmp.capture.windows.debugged import Debugged
from mdmp.capture.windows.permission import MAX_PID, debug_privilege, has_ended
from mdmp.monitor.windows.debuggee import Debuggee
from mdmp.monitor.windows.next_event import next_event
from mdmp.monitor.windows.place import module_at, place_of
from mdmp.monitor.windows.processes import has_debugger
from mdmp.monitor.windows.sample import WindowsSampler

SET_THREAD_NAME = 0x406D1388
NTDLL = "ntdll.dll"
NO_DEBUG_HEAP = "_NO_DEBUG_HEAP"
"""In the environment: the program has the heap that it has without a debugger."""
PRINTED = 0x40010006
"""DBG_PRINTEXCEPTION_C: what OutputDebugString raises."""
PATIENCE = 0.25
"""Seconds for which nobody looks whether the user pressed Ctrl+C."""
LAST_BREATH = 2.0
"""Seconds that a process may need to end after its crash."""
_WORD = ctypes.sizeof(ctypes.c_void_p)


class Debugger:
    """All of it belongs into one thread: the debug API tells events only to the one that began."""

    def __init__(self, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None], how: str) -> None:
        """`how`: `run`, `attach` or `postmortem`, as in `Fault.how`."""
        self.status = 0
        """How the program that we started ended."""
        self._keeper = keeper
        self._options = options
        self._tell = tell
        self._how = how
        self._filters = Filters(options.first_chance)
        self._quota = Quota(options.number, options.spacing)
        self._debuggees: dict[int, Debuggee] = {}
        self._watchers: dict[int, Watcher] = {}
        self._main = 0
        self._leaves = False
        self._privilege = ExitStack()

    def start(self, path: str, line: str) -> None:
        startup = win32.STARTUPINFOW(cb=ctypes.sizeof(win32.STARTUPINFOW))
        started = win32.PROCESS_INFORMATION()
        flags = win32.DEBUG_PROCESS if self._options.follow else win32.DEBUG_ONLY_THIS_PROCESS
        buffer = ctypes.create_unicode_buffer(line)
        os.environ.setdefault(NO_DEBUG_HEAP, "1")
        _spare_programs()
        try:
            win32.CreateProcessW(
                path, buffer, None, None, True, flags, None, None, ctypes.byref(startup), ctypes.byref(started)
            )
        except OSError as problem:
            reason = str(problem.strerror).replace("%1", "it")  # some of the system's texts want the name
            raise StartError(f"cannot start {path}: {reason}", NOT_RUN) from None
        win32.CloseHandle(started.hProcess)
        win32.CloseHandle(started.hThread)
        self._main = started.dwProcessId

    def attach(self, pid: int) -> None:
        """With SeDebugPrivilege where that is what it takes; then we have it until the process is let go, since its
        threads could not be opened otherwise. `UsageError`."""
        if not 0 < pid <= MAX_PID:
            raise UsageError(f"there is no process {pid}")
        _spare_programs()
        try:
            win32.DebugActiveProcess(pid)
        except OSError as problem:
            if problem.winerror != win32.ERROR_ACCESS_DENIED or not self._attach_privileged(pid):
                raise UsageError(_refusal(pid, problem)) from None
        self._main = pid

    def _attach_privileged(self, pid: int) -> bool:
        with suppress(OSError):
            self._privilege.enter_context(debug_privilege())
            win32.DebugActiveProcess(pid)
            return True
        self._privilege.close()
        return False

    def watch(self, deadline: float | None = None, jit: int = 0) -> None:
        """Until the processes have ended; when they were attached to, until it is enough.

        `deadline`: by the clock `time.monotonic`; a process whose exception has not come by then is dumped for the one
        that the JIT_DEBUG_INFO at the address `jit` in it tells, if that is one, and let go.
        """
        begun = False
        try:
            while self._debuggees or not begun:
                raw = next_event(int(self._pause() * 1000), EVENT_SIZE)
                if raw is not None:
                    begun = True
                    self._take(raw)
                self._look()
                if self._enough():
                    break
                if deadline is not None and time.monotonic() > deadline:
                    self._late(jit)
                    break
        finally:
            self._let_go()

    def _enough(self) -> bool:
        """Processes that are about to end may do so under our eyes, for a while."""
        if self._how == "run" or not self._quota.spent:
            return False
        since = max((debuggee.crashed for debuggee in self._debuggees.values()), default=-inf)
        return time.monotonic() - since > LAST_BREATH

    def _late(self, jit: int) -> None:
        debuggee = self._debuggees.get(self._main)
        record = read_jit_info(debuggee.memory, jit, debuggee.threads) if debuggee else None
        if debuggee and record:
            self._crash(debuggee, record, stands_still=False)

    def _pause(self) -> float:
        now = time.monotonic()
        return min((PATIENCE, *(watcher.due(now) for watcher in self._watchers.values())))

    def _let_go(self) -> None:
        """Processes that still run go on without us. What has happened to them already is dealt with, but not for ever:
        some throw or print without an end."""
        self._leaves = True
        self._clear_stops()
        deadline = time.monotonic() + LAST_BREATH
        while time.monotonic() < deadline and (raw := next_event(0, EVENT_SIZE)):
            self._take(raw)
        for pid in self._debuggees:
            with suppress(OSError):  # it has ended
                win32.DebugActiveProcessStop(pid)
        self._debuggees.clear()
        self._privilege.close()

    def _clear_stops(self) -> None:
        """Without a debugger they would be the death of a process."""
        for debuggee in self._debuggees.values():
            debuggee.exit_stop.clear()

    def _take(self, raw: bytes) -> None:
        """Whatever happens, the process goes on."""
        status = win32.DBG_EXCEPTION_NOT_HANDLED
        event = parse_event(raw, _WORD)
        try:
            if self._handle(event):
                status = win32.DBG_CONTINUE
        finally:
            if self._leaves:
                self._clear_stops()
            with suppress(OSError):  # somebody killed it meanwhile
                win32.ContinueDebugEvent(event.pid, event.tid, status)

    def _handle(self, event: Event) -> bool:
        """Whether an exception was one for debuggers, which the program need not see."""
        what = event.what
        if isinstance(what, ProcessBegan):
            self._began(event, what)
            return True
        debuggee = self._debuggees[event.pid]
        if isinstance(what, Raised):
            return self._raised(debuggee, event.tid, what)
        if isinstance(what, Loaded):
            debuggee.modules[what.base] = None
            if what.file:
                win32.CloseHandle(what.file)
        elif isinstance(what, Unloaded):
            debuggee.modules.pop(what.base, None)
        elif isinstance(what, ThreadBegan):
            debuggee.threads[event.tid] = what.handle
        elif isinstance(what, ThreadEnded):
            debuggee.forget(event.tid)
        elif isinstance(what, Printed):
            self._printed(debuggee, event.tid, debuggee.printed(what))
        elif isinstance(what, Rip):
            self._tell(f"Windows met error {what.error} while process {event.pid} was debugged")
        elif isinstance(what, ProcessEnded):
            self._ended(debuggee, event.tid, what.status)
        return True

    def _began(self, event: Event, what: ProcessBegan) -> None:
        if what.file:
            win32.CloseHandle(what.file)
        attached = self._how != "run" and event.pid == self._main
        debuggee = Debuggee(event.pid, what.process, what.base, attached)
        debuggee.threads[event.tid] = what.thread
        self._debuggees[event.pid] = debuggee
        if self._options.conditions:
            sampler = WindowsSampler(event.pid, what.process, self._options.conditions)
            self._watchers[event.pid] = Watcher(self._options.conditions, sampler, self._quota)

    def _raised(self, debuggee: Debuggee, tid: int, what: Raised) -> bool:
        if what.code in (faults.BREAKPOINT, faults.WOW64_BREAKPOINT):
            if (status := debuggee.exit_stop.take(tid, what.address)) is not None:
                self._exits(debuggee, tid, status)
                return True
            if what.first_chance and self._is_systems(debuggee, what.address):
                debuggee.breakpoints -= 1
                if self._options.exit_codes is not None:
                    debuggee.exit_stop.set()
                return True
        if what.code == SET_THREAD_NAME and what.first_chance:
            debuggee.name_thread(tid, what.parameters)
            return True
        record = ExceptionRecord(tid, what.code, what.flags, what.address, what.parameters, nested=what.nested)
        if what.first_chance:
            self._first_chance(debuggee, record)
        elif self._options.crashes:
            debuggee.overflows.forget(tid)
            self._crash(debuggee, record)
        return False

    def _is_systems(self, debuggee: Debuggee, address: int) -> bool:
        """Whether a breakpoint is one with which the system begins. The second one of a 32-bit program does not come
        everywhere: it has to be in a place where no program has its own."""
        if debuggee.breakpoints == 1 and debuggee.is_wow64:
            found = module_at(debuggee, address)
            return found is not None and found[0].lower() == NTDLL
        return debuggee.breakpoints > 0

    def _printed(self, debuggee: Debuggee, tid: int, text: str) -> None:
        if not text.startswith(self._options.debug_output):
            debuggee.keep_output(text)
            return
        context = debuggee.context(tid)
        record = ExceptionRecord(tid, PRINTED, 0, pointer_of(context, "pc"), context=context)
        fault = Fault("request", debuggee.subject, "debug output", tid=tid, code=PRINTED, messages=(text,))
        self._store(debuggee, fault, (record,))

    def _first_chance(self, debuggee: Debuggee, record: ExceptionRecord) -> None:
        tid = record.tid or 0
        if self._filters:
            thrown = thrown_object(record, debuggee.memory, debuggee.word)
            if self._filters.match(record, thrown):
                self._keep(debuggee, "handled_exception", record, thrown)
        if not self._options.crashes:
            return
        if record.code in (faults.STACK_OVERFLOW, faults.ACCESS_VIOLATION):
            context = debuggee.context(tid)
            if (pointer := pointer_of(context, "sp")) is None:
                return
            if overflow := debuggee.overflows.fatal(record, pointer):
                self._crash(debuggee, overflow)
            debuggee.overflows.begin(replace(record, context=context), pointer, time.monotonic())
            if debuggee.overflows.last:
                debuggee.exit_stop.set()
        elif record.code == faults.GCC and debuggee.word == 8:
            debuggee.thrown.throw(record)
            debuggee.exit_stop.set()

    def _exits(self, debuggee: Debuggee, tid: int, status: int) -> None:
        """A thread is about to end its process; all is still there."""
        self._judge(debuggee, debuggee.overflows.overdue(inf))
        uncaught = debuggee.thrown.uncaught(tid) if self._options.crashes else None
        if uncaught:
            self._crash(debuggee, uncaught)
        else:
            self._exit(debuggee, tid, status)

    def _exit(self, debuggee: Debuggee, tid: int, status: int) -> None:
        codes = self._options.exit_codes
        if debuggee.crashed > -inf or codes is None or (codes and status not in {code & 0xFFFFFFFF for code in codes}):
            return
        debuggee.crashed = time.monotonic()
        text = f"ended with code {status if status < 1 << 16 else f'{status:#x}'} in thread {tid}"
        self._store(debuggee, Fault("exit", debuggee.subject, text, tid=tid, code=status), ())

    def _ended(self, debuggee: Debuggee, tid: int, status: int) -> None:
        """The memory is still there (Windows), or gone (Wine)."""
        overflow = debuggee.overflows.last
        if overflow and debuggee.crashed == -inf and self._options.crashes:
            self._crash(debuggee, overflow)
        else:
            self._exit(debuggee, tid, status)
        if debuggee.crashed == -inf and self._how == "run":
            self._explain(debuggee.subject.name, status)
        self._watchers.pop(debuggee.subject.pid, None)
        del self._debuggees[debuggee.subject.pid]
        if debuggee.subject.pid == self._main:
            self.status = status

    def _explain(self, name: str, status: int) -> None:
        """An end that looks like a crash and left no dump."""
        if status in faults.NOT_STARTED:
            self._tell(f"{name} ended with code {status:08X}: {PLAIN[status]}")
        elif status in faults.KIND_OF and self._options.crashes and not self._options.follow:
            self._tell(
                f"{name} ended with code {status:08X}, that of a crash, but did not crash itself: "
                "--follow watches its children, too (python.exe of a virtual environment starts the real one)"
            )

    def _look(self) -> None:
        """At what is no event: conditions, and threads that ran out of stack and hang."""
        now = time.monotonic()
        for pid, watcher in self._watchers.items():
            if (debuggee := self._debuggees.get(pid)) and (firing := watcher.look(now)):
                fault = Fault(firing.condition.kind, debuggee.subject, firing.text)
                self._store(debuggee, fault, (), counted=True, stands_still=False)
        for debuggee in self._debuggees.values():
            self._judge(debuggee, debuggee.overflows.overdue(now), stands_still=False)

    def _judge(self, debuggee: Debuggee, overflows: Iterable[Overflow], stands_still: bool = True) -> None:
        """A stack overflow was a crash where the stack is still as deep; when it has come back up, it was handled."""
        for overflow in overflows:
            tid = overflow.record.tid or 0
            debuggee.overflows.forget(tid)
            depth = debuggee.depth(tid)
            if depth is not None and depth <= overflow.stack_pointer:
                self._crash(debuggee, overflow.record, stands_still)

    def _crash(self, debuggee: Debuggee, record: ExceptionRecord, stands_still: bool = True) -> None:
        debuggee.crashed = time.monotonic()
        thrown = thrown_object(record, debuggee.memory, debuggee.word)
        kind = faults.kind_of(record)
        if kind == "abort" and (uncaught := debuggee.thrown.uncaught(record.tid or 0)):
            kind, thrown = "cpp_exception", thrown_object(uncaught, debuggee.memory, debuggee.word)
        if kind == "breakpoint":
            kind = faults.announced_kind(debuggee.output) or kind
        self._keep(debuggee, kind, record, thrown, stands_still)

    def _keep(
        self,
        debuggee: Debuggee,
        kind: str,
        record: ExceptionRecord,
        thrown: ThrownObject | None,
        stands_still: bool = True,
    ) -> None:
        context = record.context or debuggee.context(record.tid or 0)
        place = place_of(debuggee, record.address or 0, pointer_of(context, "sp"))
        message = faults.message_of(thrown)
        fault = Fault(
            kind,
            debuggee.subject,
            faults.text_of(record, thrown, place),
            tid=record.tid,
            code=record.code,
            address=faults.address_of(record),
            place=place,
            messages=(message,) if message else (),
        )
        self._store(debuggee, fault, (record,), stands_still=stands_still)

    def _store(
        self,
        debuggee: Debuggee,
        fault: Fault,
        records: tuple[ExceptionRecord, ...],
        *,
        counted: bool = False,
        stands_still: bool = True,
    ) -> None:
        """`counted`: the quota knows already."""
        if counted or self._quota.allow(time.monotonic(), True):
            fault = replace(fault, how=self._how, messages=(*fault.messages, *debuggee.output))
            debugged = Debugged(debuggee.process, records, stands_still)
            write = partial(_write, debuggee, records) if self._options.writer == "dbghelp" else None
            self._keeper.keep(fault, lambda options: _capture(debuggee, options, debugged), write)


@contextmanager
def _capture(debuggee: Debuggee, options: CaptureOptions, debugged: Debugged) -> Iterator[Snapshot]:
    with capture_windows(debuggee.subject.pid, options, debugged) as snapshot:
        threads = tuple(
            thread if thread.name else replace(thread, name=debuggee.names.get(thread.tid))
            for thread in snapshot.threads or ()
        )
        yield replace(snapshot, threads=threads)


def _write(debuggee: Debuggee, records: tuple[ExceptionRecord, ...], file: int, flags: int) -> None:
    """By Windows' own writer."""
    record = records[0] if records else None
    write_minidump(debuggee.process, debuggee.subject.pid, file, flags, record)


def _spare_programs() -> None:
    """What this thread debugs from now on does not end when we die, be it at once."""
    win32.DbgUiConnectToDbg()  # makes what that is a property of, which attaching would make as well
    win32.DebugSetProcessKillOnExit(False)


def _refusal(pid: int, problem: OSError) -> str:
    why = str(problem.strerror)
    if problem.winerror == win32.ERROR_INVALID_PARAMETER:
        why = "there is no such process"
    elif problem.winerror == win32.ERROR_ACCESS_DENIED:
        why = "access denied (another user's, or protected; try as administrator)"
    with suppress(OSError), win32.closing(win32.OpenProcess(win32.PROCESS_QUERY_INFORMATION, False, pid)) as process:
        if has_ended(process):
            why = "it has ended"
        elif has_debugger(pid):
            why = "another debugger is attached already"
    return f"cannot attach to process {pid}: {why}"
