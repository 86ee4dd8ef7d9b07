"""How many handlers may be at work: a flood of crashes must not take the machine.

A slot is a file that is locked by who has it, so a handler that dies gives it back.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

AT_WORK = 4
"""Handlers that read and write at one time; one place is kept free of ordinary users."""
OF_ONE_USER = 2
"""Of these, for the crashes of one ordinary user."""
WAITING_OF_ONE_USER = 60
"""Handlers of one user's crashes that work or wait, of the `core_pattern.AT_ONCE` that the kernel starts."""
PATIENCE = 60.0
"""Seconds that a handler waits for its turn."""
_ORDINARY = 1000
"""Numbers of users from here on are people's, below the system's."""


def take_slots(folder: str, uid: int) -> list[int] | None:
    """Open files to keep until the work is done; None when there is too much going on."""
    waiting = _take(folder, (f"user.{uid}.{n}" for n in range(WAITING_OF_ONE_USER)))
    if waiting is None:
        return None
    ordinary = uid >= _ORDINARY
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        own = _take(folder, (f"user.{uid}.work.{n}" for n in range(OF_ONE_USER if ordinary else AT_WORK)))
        if own is not None:
            working = _take(folder, (f"work.{n}" for n in range(1 if ordinary else 0, AT_WORK)))
            if working is not None:
                return [waiting, own, working]
            os.close(own)
        time.sleep(0.01)
    os.close(waiting)
    return None


def _take(folder: str, names: Iterable[str]) -> int | None:
    for name in names:
        number = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
        else:
            return number
    return None
