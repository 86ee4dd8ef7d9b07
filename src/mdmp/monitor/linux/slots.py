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
"""Handlers that read and write at one time; one of them is kept free of ordinary users."""
OF_ONE_USER = 60
"""Handlers of one user's crashes that work or wait, of the `core_pattern.AT_ONCE` that the kernel starts."""
PATIENCE = 60.0
"""Seconds that a handler waits for its turn."""
_ORDINARY = 1000
"""Numbers of users from here on are people's, below the system's."""


def take_slots(folder: str, uid: int) -> tuple[int, int] | None:
    """Open files to keep until the work is done; None when there is too much going on."""
    waiting = _take(folder, (f"user.{uid}.{n}" for n in range(OF_ONE_USER)))
    if waiting is None:
        return None
    deadline = time.monotonic() + PATIENCE
    while True:
        working = _take(folder, (f"work.{n}" for n in range(1 if uid >= _ORDINARY else 0, AT_WORK)))
        if working is not None:
            return waiting, working
        if time.monotonic() > deadline:
            os.close(waiting)
            return None
        time.sleep(0.01)


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
