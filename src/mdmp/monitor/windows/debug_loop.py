"""Programs debugged by the debug API."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mdmp.monitor.windows.start import command_line, find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions

assert sys.platform == "win32"

from mdmp.monitor.windows.debugger import Debugger


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
    if options.follow:
        tell("children are not seen: Windows shows only those of programs that mdmp has started")
    debugger = Debugger(keeper, options, tell, "attach")
    debugger.attach(pid)
    if options.watching:
        options.watching()
    debugger.watch()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl+C and Ctrl+Break go to the program, too, which decides what becomes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGBREAK)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
