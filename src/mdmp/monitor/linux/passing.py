"""Signals that come to us and are meant for the program that we have started.

A terminal sends its signals to the whole group of processes: the program gets them anyway. So does whoever ends a group
by `kill(-group)`. What was sent to us alone is passed on; that it was so shows a moment later, when the program, which
we trace, has not got it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from math import inf
from typing import NamedTuple

from mdmp.capture.linux.proc import Proc
from mdmp.monitor.linux.dispositions import has

PASSED = frozenset(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
        *(signal.SIGWINCH, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT, signal.SIGALRM),
    }
)
_BY_THE_TERMINAL = 0x80
"""SI_KERNEL"""
_MOMENT = 0.05
_MEMORY = 1.0
"""Seconds for which it is remembered what the program got."""
_MANY = 1000
"""Senders after which old ones are forgotten."""
_BY_A_TERMINAL_USER = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


class _Sent(NamedTuple):
    number: int
    sender: int
    time: float


class Passing:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._waiting: list[_Sent] = []
        self._seen: dict[tuple[int, int], float] = {}
        """Signal and sender -> when the program got it last."""

    def got(self, siginfo: bytes) -> None:
        """The program got a signal."""
        now = time.monotonic()
        self._seen[siginfo[0], int.from_bytes(siginfo[16:20], "little")] = now
        if len(self._seen) > _MANY:
            self._seen = {sent: last for sent, last in self._seen.items() if last > now - _MEMORY}

    def heard(self, number: int, code: int, sender: int) -> None:
        """We got one."""
        if code != _BY_THE_TERMINAL and sender != self._pid:
            self._waiting.append(_Sent(number, sender, time.monotonic()))

    def pass_on(self) -> bool:
        """What has waited long enough. False: something waits still."""
        now = time.monotonic()
        for sent in [sent for sent in self._waiting if sent.time + _MOMENT <= now]:
            self._waiting.remove(sent)
            if not self._has_it(sent):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(self._pid, sent.number)
        return not self._waiting

    def _has_it(self, sent: _Sent) -> bool:
        if self._seen.get((sent.number, sent.sender), -inf) > sent.time - _MEMORY:
            return True
        status = Proc(self._pid).text("status") or b""
        return has(status, "ShdPnd", sent.number) or has(status, "SigPnd", sent.number)


def stop_with(pid: int, number: int) -> None:
    """The program was stopped. If by the user of its terminal, who waits for us, we stop as well, to be continued."""
    with suppress(ProcessLookupError):
        if number in _BY_A_TERMINAL_USER and os.getpgid(pid) == os.getpgrp():
            os.kill(os.getpid(), signal.SIGSTOP)
