"""Programs debugged by the debug API."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.capture.windows import win32
from mdmp.capture.windows.capture import capture_windows
from mdmp.capture.windows.debugged import Debugged
from mdmp.errors import FormatError, UsageError
from mdmp.monitor.fault import Fault
from mdmp.monitor.watch.quota import Quota
from mdmp.monitor.windows import faults
from mdmp.monitor.windows.debuggee import Debuggee
from mdmp.monitor.windows.events import (
    EVENT_SIZE,
    Event,
    Loaded,
    Printed,
    ProcessBegan,
    ProcessEnded,
    Raised,
    ThreadBegan,
    ThreadEnded,
    parse_event,
)
from mdmp.monitor.windows.first_chance import Filters
from mdmp.monitor.windows.start import command_line, find_program
from mdmp.snapshot.exception import ExceptionRecord
from mdmp.snapshot.thrown import thrown_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mdmp.capture.options import CaptureOptions
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions
    from mdmp.snapshot import Snapshot
    from mdmp.snapshot.thrown import ThrownObject

assert sys.platform == "win32"

SET_THREAD_NAME = 0x406D1388
PATIENCE = 0.25
"""Seconds for which nobody looks whether the user pressed Ctrl+C."""


def run_windows(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    """As `monitor.run.run` says."""
    path = find_program(arguments[0], os.environ)
    debugger = Debugger(keeper, options, tell, "run")
    with _interrupts_ignored():
        debugger.start(*command_line(path, arguments[1:], os.environ))
        debugger.watch()
    return debugger.status


def attach_windows(pid: int, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> None:
    """As `monitor.run.attach` says."""
    debugger = Debugger(keeper, options, tell, "attach")
    debugger.attach(pid)
    debugger.watch()


class Debugger:
    """All of it belongs into one thread: the debug API tells events only to the one that began."""

    def __init__(self, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None], how: str) -> None:
        self.status = 0
        """How the program that we started ended."""
        self._keeper = keeper
        self._options = options
        self._tell = tell
        self._how = how
        self._filters = Filters(options.first_chance)
        self._quota = Quota(options.number, options.spacing)
        self._debuggees: dict[int, Debuggee] = {}
        self._main = 0

    def start(self, path: str, line: str) -> None:
        startup = win32.STARTUPINFOW(cb=ctypes.sizeof(win32.STARTUPINFOW))
        started = win32.PROCESS_INFORMATION()
        flags = win32.DEBUG_PROCESS if self._options.follow else win32.DEBUG_ONLY_THIS_PROCESS
        buffer = ctypes.create_unicode_buffer(line)
        sys.stdout.flush()
        try:
            win32.CreateProcessW(
                path, buffer, None, None, True, flags, None, None, ctypes.byref(startup), ctypes.byref(started)
            )
        except OSError as problem:
            raise UsageError(f"cannot start {path}: {problem.strerror}") from None
        win32.DebugSetProcessKillOnExit(False)
        win32.CloseHandle(started.hProcess)
        win32.CloseHandle(started.hThread)
        self._main = started.dwProcessId

    def attach(self, pid: int) -> None:
        try:
            win32.DebugActiveProcess(pid)
        except OSError as problem:
            raise UsageError(_refusal(pid, problem)) from None
        win32.DebugSetProcessKillOnExit(False)
        self._main = pid

    def watch(self) -> None:
        """Until the processes have ended, or it is enough."""
        begun = False
        try:
            while self._debuggees or not begun:
                raw = win32.wait_for_debug_event(int(PATIENCE * 1000), EVENT_SIZE)
                if raw is None:
                    continue
                try:
                    event = parse_event(raw, ctypes.sizeof(ctypes.c_void_p))
                except FormatError as problem:
                    self._tell(str(problem))
                    continue
                begun = True
                self._take(event)
                if self._quota.spent and self._how == "attach":
                    break
        finally:
            self._let_go()

    def _let_go(self) -> None:
        for pid in self._debuggees:
            with suppress(OSError):  # it has ended
                win32.DebugActiveProcessStop(pid)
        self._debuggees.clear()

    def _take(self, event: Event) -> None:
        """Whatever happens, the process goes on."""
        status = win32.DBG_EXCEPTION_NOT_HANDLED
        try:
            if self._handle(event):
                status = win32.DBG_CONTINUE
        finally:
            with suppress(OSError):  # somebody killed it meanwhile
                win32.ContinueDebugEvent(event.pid, event.tid, status)

    def _handle(self, event: Event) -> bool:
        """Whether an exception was one for debuggers, which the program need not see."""
        what = event.what
        if isinstance(what, ProcessBegan):
            if what.file:
                win32.CloseHandle(what.file)
            attached = self._how == "attach" and event.pid == self._main
            debuggee = Debuggee(event.pid, what.process, what.base, attached)
            debuggee.threads[event.tid] = what.thread
            self._debuggees[event.pid] = debuggee
            return True
        debuggee = self._debuggees[event.pid]
        if isinstance(what, Raised):
            return self._raised(debuggee, event.tid, what)
        if isinstance(what, Loaded) and what.file:
            win32.CloseHandle(what.file)
        elif isinstance(what, ThreadBegan):
            debuggee.threads[event.tid] = what.handle
        elif isinstance(what, ThreadEnded):
            debuggee.threads.pop(event.tid, None)
        elif isinstance(what, Printed):
            debuggee.print(what)
        elif isinstance(what, ProcessEnded):
            del self._debuggees[event.pid]
            if event.pid == self._main:
                self.status = what.status
        return True

    def _raised(self, debuggee: Debuggee, tid: int, what: Raised) -> bool:
        if what.code in (faults.BREAKPOINT, faults.WOW64_BREAKPOINT) and debuggee.breakpoints:
            debuggee.breakpoints -= 1
            return True
        if what.code == SET_THREAD_NAME and what.first_chance:
            debuggee.name_thread(tid, what.parameters)
            return True
        record = ExceptionRecord(tid, what.code, what.flags, what.address, what.parameters, nested=what.nested)
        if what.first_chance:
            if self._filters:
                thrown = thrown_object(record, debuggee.memory, debuggee.word)
                if self._filters.match(record, thrown):
                    self._keep(debuggee, "handled_exception", record, thrown)
        elif self._options.crashes:
            thrown = thrown_object(record, debuggee.memory, debuggee.word)
            self._keep(debuggee, faults.kind_of(record), record, thrown)
        return False

    def _keep(self, debuggee: Debuggee, kind: str, record: ExceptionRecord, thrown: ThrownObject | None) -> None:
        if not self._quota.allow(time.monotonic(), True):
            return
        message = faults.message_of(thrown)
        fault = Fault(
            kind,
            debuggee.subject,
            faults.text_of(record, thrown),
            tid=record.tid,
            code=record.code,
            address=faults.address_of(record),
            how=self._how,
            messages=(*((message,) if message else ()), *debuggee.output),
        )
        self._keeper.keep(fault, lambda options: self._capture(debuggee, options, (record,)))

    @contextmanager
    def _capture(
        self,
        debuggee: Debuggee,
        options: CaptureOptions,
        records: tuple[ExceptionRecord, ...],
        stands_still: bool = True,
    ) -> Iterator[Snapshot]:
        with capture_windows(
            debuggee.subject.pid, options, Debugged(debuggee.process, records, stands_still)
        ) as snapshot:
            threads = tuple(
                thread if thread.name else replace(thread, name=debuggee.names.get(thread.tid))
                for thread in snapshot.threads or ()
            )
            yield replace(snapshot, threads=threads)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl+C goes to the program, too, which decides what becomes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _refusal(pid: int, problem: OSError) -> str:
    if problem.winerror == win32.ERROR_INVALID_PARAMETER:
        return f"cannot attach to process {pid}: there is no such process, or a debugger is attached already"
    if problem.winerror == win32.ERROR_ACCESS_DENIED:
        return f"cannot attach to process {pid}: access denied (another user's, or protected; try as administrator)"
    return f"cannot attach to process {pid}: {problem.strerror}"
