"""The process that watches a Python program for `handler.install_handler`.

Standard input brings the program's messages, a line of JSON each, standard output takes ours. Those of one thread are
read when it has stopped, right after it wrote them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mdmp.errors import MdmpError
from mdmp.monitor.fault import Fault
from mdmp.monitor.handler import DEBUG_OUTPUT, Pipe
from mdmp.monitor.keeper import Keeper, Outcome
from mdmp.monitor.options import MonitorOptions
from mdmp.monitor.policy.load import load_policy
from mdmp.monitor.policy.settings import Decision, Settings
from mdmp.monitor.run import attach

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.keeper import Capture, Write

_NUMBER = 1 << 31
"""The policy limits how many dumps there are, not we."""
if sys.platform == "win32":
    _SIGNALS: tuple[int, ...] = ()
else:
    _SIGNALS = (signal.SIGURG,)


def watch(report: Callable[[str], str]) -> None:
    """Says who we are, hears what to do, and does it until the program ends or has enough of us."""
    _stand_apart()
    channel = Channel()
    channel.say({"watcher": os.getpid()})
    request = channel.next()
    if request is None:
        return
    sys.path += [path for path in request["paths"] if os.path.isabs(path) and path not in sys.path]
    options = MonitorOptions(
        number=_NUMBER,
        spacing=0.0,
        follow=request["follow"],
        signals=_SIGNALS,
        debug_output=(DEBUG_OUTPUT,),
        watching=lambda: channel.say({"problem": None, "tracer": threading.get_native_id()}),
        end_at_exec=True,
        ended_by=request["pid"],
    )
    try:
        keeper = HandlerKeeper(channel, request["settings"], report)
        with suppress(KeyboardInterrupt):
            attach(request["pid"], keeper, options, lambda line: None)
    except MdmpError as problem:
        channel.say({"problem": str(problem)})


def _stand_apart() -> None:
    """What ends a session or all processes of a service shall end the program, and so us: it may crash on the way."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir(os.path.abspath(os.sep))


class Channel:
    """The two pipes."""

    def __init__(self) -> None:
        # Nothing that prints by mistake shall get in between.
        self._answers = os.dup(1)
        os.dup2(2, 1)
        self._requests = Pipe(0)

    def say(self, message: dict[str, object]) -> None:
        with suppress(OSError):  # the program ended, or closed its files
            os.write(self._answers, json.dumps(message).encode() + b"\n")

    def next(self) -> dict[str, Any] | None:
        """The next message; None when there will be none, or none is there (after `do_not_wait`)."""
        try:
            return self._requests.next()
        except (BlockingIOError, ValueError):
            return None

    def do_not_wait(self) -> None:
        if sys.platform != "win32":
            os.set_blocking(0, False)


class HandlerKeeper(Keeper):
    """Finds out what the program has to say when it stops itself; all else is kept as ever."""

    def __init__(self, channel: Channel, settings: dict[str, object], report: Callable[[str], str]) -> None:
        super().__init__(load_policy(command_line=settings), report=report)
        self._channel = channel
        self._parts: dict[int, str] = {}
        self._said: dict[int, dict[str, Any]] = {}
        """What threads said that have not been seen to stop yet."""
        channel.do_not_wait()

    def keep(self, fault: Fault, capture: Capture, write: Write | None = None) -> Outcome:
        fault = replace(fault, how="handler")
        if fault.kind not in ("signal", "request"):
            return super().keep(fault, capture, write)
        said = self._from_pipe(fault.tid) if fault.kind == "signal" else _from_debug_output(fault)
        if said is None:  # a SIGURG that means something else
            return Outcome(fault, Decision(None, Settings(), ""))
        if said["said"] == "end":
            raise KeyboardInterrupt
        text = f"uncaught Python exception: {said['line']}"
        messages = (str(said["text"]), *(text for text in fault.messages if not text.startswith(DEBUG_OUTPUT)))
        fault = replace(fault, kind="python_exception", text=text, messages=messages)
        return super().keep(fault, capture, write)

    def _from_pipe(self, tid: int | None) -> dict[str, Any] | None:
        """What a thread wrote before it stopped."""
        while (message := self._channel.next()) is not None:
            writer = message["tid"]
            if "part" in message:
                self._parts[writer] = self._parts.get(writer, "") + message["part"]
            else:
                self._said[writer] = {**message, "text": self._parts.pop(writer, "")}
        return self._said.pop(tid, None) if tid is not None else None


def _from_debug_output(fault: Fault) -> dict[str, Any] | None:
    """None: the program itself said something that only begins like our messages."""
    for text in fault.messages:
        with suppress(ValueError):
            message = json.loads(text.removeprefix(DEBUG_OUTPUT)) if text.startswith(DEBUG_OUTPUT) else None
            if isinstance(message, dict) and (
                message.get("said") == "end" or {"said", "line", "text"} <= message.keys()
            ):
                return message
    return None
