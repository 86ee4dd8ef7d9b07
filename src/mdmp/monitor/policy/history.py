"""Which faults left dumps lately: a few lines in the dump folder.

Lines are only added, and the file is exchanged as a whole when it has grown: nobody waits for a lock, and the worst
that many crashes at once can do is to be counted one too few. Whoever may write in the folder may spoil the file; what
is no line of ours is not counted.
"""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.monitor.whole_file import write_whole

if TYPE_CHECKING:
    from mdmp.monitor.fault import Fault

NAME = ".mdmp-history"
"""In the dump folder."""
SPAN = 86400.0
"""Seconds that a dump counts."""
MAX_SIZE = 64 << 10
"""Bytes of the file; half of it is kept when it has more."""
_MAX_TEXT = 128


def count_of(folder: str, fault: Fault, now: float | None = None) -> int:
    """Dumps of the same fault of the same program that were recorded within a day."""
    now = time.time() if now is None else now
    wanted = _key(fault)
    return sum(key == wanted and now - SPAN < when <= now + SPAN for when, key in map(_parsed, _lines(folder)))


def record(folder: str, fault: Fault, now: float | None = None) -> None:
    """Takes down that there is a dump. A failure is nothing to lose a dump for."""
    line = json.dumps([round(time.time() if now is None else now), *_key(fault)]).encode() + b"\n"
    path = os.path.join(folder, NAME)
    with suppress(OSError):
        try:
            descriptor = _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        except ValueError:
            return
        with open(descriptor, "ab") as file:
            if os.fstat(descriptor).st_size <= MAX_SIZE:
                file.write(line)
                return
        write_whole(path, b"".join(_lines(folder, MAX_SIZE // 2)) + line, 0o600)


def _key(fault: Fault) -> tuple[str, str, int | None, str]:
    return fault.subject.name[:_MAX_TEXT], fault.kind, fault.code, fault.place[:_MAX_TEXT]


def _parsed(line: bytes) -> tuple[float, object]:
    try:
        when, *key = json.loads(line)
        return float(when), tuple(key)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return 0.0, None


def _lines(folder: str, size: int = MAX_SIZE) -> list[bytes]:
    """The last ones of the file."""
    try:
        descriptor = _opened(os.path.join(folder, NAME), os.O_RDONLY)
    except (OSError, ValueError):
        return []
    with open(descriptor, "rb") as file:
        start = max(0, os.fstat(descriptor).st_size - size)
        file.seek(start)
        lines = file.read(size).splitlines(keepends=True)
    return [line for line in lines[start > 0 :] if line.endswith(b"\n")]


def _opened(path: str, flags: int) -> int:
    """`ValueError` when it is no file of ours."""
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o600)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or (hasattr(os, "geteuid") and about.st_uid != os.geteuid()):
        os.close(descriptor)
        raise ValueError("not a file of ours")
    return descriptor
