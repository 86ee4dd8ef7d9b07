"""Old dumps make room for new ones.

Many processes may write dumps and remove some at the same moment: all put them in the same order, and what is too old
among the files that one of them sees is too old among all that there are. So nobody removes what another would keep,
and the last one to look leaves just as many as there should be. They only take turns, because the name of a dump that
one has removed may be that of a new one when the other comes to it.
"""

from __future__ import annotations

import fnmatch
import os
import stat
import struct
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mdmp.errors import SaveError
from mdmp.formats.minidump.header import SIGNATURE, VERSION
from mdmp.formats.minidump.writer import WRITER
from mdmp.monitor.finalize.name import REPORTS, SUFFIX, name_globs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mdmp.monitor.policy.settings import Settings

SECONDS = 5.0
"""That we wait for other processes."""
_HOUR = 3600 * 10**9
_OF_WER = f"*.[0-9]*{SUFFIX}"
"""`app.exe.1234.dmp`"""
_MINE = SIGNATURE + struct.pack("<HH", VERSION, WRITER)
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Dump(NamedTuple):
    time: int
    """Of its last change, in nanoseconds since 1970."""
    name: str
    size: int
    """Bytes that it takes on the disk."""


def victims(
    dumps: Iterable[Dump], now: int, count: int, max_age: int | None = None, max_total: int | None = None
) -> list[Dump]:
    """The dumps that have to go, oldest first; never the newest. Times are in nanoseconds, sizes in bytes.

    One from the future, which may stay there for ever, counts as the oldest.
    """
    gone, total = [], 0
    in_order = sorted(dumps, key=lambda dump: dump if dump.time <= now + _HOUR else dump._replace(time=0))
    for index, dump in enumerate(reversed(in_order)):
        total += dump.size
        too_old = max_age is not None and now - dump.time > max_age
        too_much = max_total is not None and total > max_total
        if index and (index >= count or too_old or too_much):
            gone.append(dump)
    return gone[::-1]


def rotate(folder: str, settings: Settings, owner: int) -> tuple[list[str], list[str]]:
    """Removes what the settings do not allow in a folder. The names of the dumps removed, and problems.

    Only dumps that the system's or our own writer put there under such a name, of the user `owner`: where several users
    have dumps in one folder, none pushes out those of others.
    """
    max_age = None if settings.max_age is None else int(settings.max_age.total_seconds() * 1e9)
    with _in_turn(folder):
        dumps = find_dumps(folder, settings.name, owner)
        return _remove(folder, victims(dumps, time.time_ns(), settings.count, max_age, settings.max_total))


@contextmanager
def _in_turn(folder: str) -> Iterator[None]:
    """Waits until no other process removes dumps from a folder; `SaveError` when that takes too long."""
    if sys.platform == "win32":
        yield
    else:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + SECONDS
            while not _lock(number):
                if time.monotonic() > deadline:
                    raise SaveError(f"old dumps stay in {folder}: another process has been removing some for too long")
                time.sleep(0.005)
            yield
        finally:
            os.close(number)


def _remove(folder: str, dumps: list[Dump]) -> tuple[list[str], list[str]]:
    removed, problems = [], []
    for dump in dumps:
        path = os.path.join(folder, dump.name)
        try:
            if os.lstat(path).st_mtime_ns != dump.time:
                continue  # another one already
            problems += remove_reports(path)  # first, so that none is left alone if we are killed now
            os.unlink(path)
        except FileNotFoundError:
            continue  # another process was faster
        except OSError as problem:
            problems.append(f"old dump {dump.name} cannot be removed: {problem.strerror}")
            continue
        removed.append(dump.name)
        remove_reports(path)  # one may have been written meanwhile
    return removed, problems


def remove_reports(path: str) -> list[str]:
    """Removes the reports on a dump that is no more; problems."""
    problems = []
    for suffix in REPORTS:
        try:
            os.unlink(path + suffix)
        except FileNotFoundError:
            continue
        except OSError as problem:
            problems.append(f"{os.path.basename(path)}{suffix} cannot be removed: {problem.strerror}")
    return problems


def find_dumps(folder: str, template: str, owner: int) -> list[Dump]:
    """The dumps of a user that were written by mdmp under names of this template, or on Windows by the system."""
    globs = [*name_globs(template), *([_OF_WER] if sys.platform == "win32" else [])]
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not any(fnmatch.fnmatchcase(entry.name, glob) for glob in globs):
                continue
            try:
                status = os.lstat(entry.path)  # what scandir keeps is not always complete on Windows
                if stat.S_ISREG(status.st_mode) and status.st_uid == owner and _is_dump(entry.path):
                    found.append(Dump(status.st_mtime_ns, entry.name, _size(status)))
            except OSError:
                continue  # gone meanwhile, or not ours to read
    return found


if sys.platform != "win32":

    def _lock(number: int) -> bool:
        import fcntl

        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks
        return True


def _size(status: os.stat_result) -> int:
    if sys.platform == "win32":
        return status.st_size
    else:
        return status.st_blocks * 512


def _is_dump(path: str) -> bool:
    number = os.open(path, _OPEN)
    try:
        start = os.read(number, len(_MINE))
    finally:
        os.close(number)
    if sys.platform == "win32":  # whoever wrote it: WER and MiniDumpWriteDump leave no mark
        return start.startswith(SIGNATURE)
    else:
        return start == _MINE
