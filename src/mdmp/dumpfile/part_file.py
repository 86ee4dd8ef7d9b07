"""A file that appears under its name only when it is complete.

Until then it is `NAME.PID-TIME.part` in the same folder, which its writer keeps locked: a part file that nobody locks
belongs to a writer that died, and the next one to write into the folder removes it.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import stat
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

if sys.platform != "win32":  # where a file that is open cannot be removed, and needs no lock
    import fcntl

_PART = re.compile(r".+\.[0-9]+-[0-9a-f]+\.part", re.DOTALL)
_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
LAST_STEP = 60.0
"""Seconds for which a part file of Windows may be closed, complete, and still without its name."""
MODE = 0o600
"""A dump holds what the process knew: for its owner's eyes."""


class PartFile:
    """`with PartFile(path) as part`: write to `part.file`, then `part.commit(…)`; else nothing is left.

    Raises `OSError` as the system reports it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        replace: bool = True,
        others: Iterable[str] = (),
    ) -> None:
        """With `replace=False` the file takes the first of `path` and `others` (names in the same folder) that no file
        has, however many writers ask for it at the same moment."""
        self.name = os.fspath(path)
        """The path as given; once committed, of the name that the file got."""
        self.path = os.path.abspath(self.name)
        self.folder = os.path.dirname(self.path)
        self.replace = replace
        self.part = ""
        self.file: BinaryIO
        self._others = others

    def __enter__(self) -> Self:
        if self.replace:
            _spare_devices(self.path)
        remove_dead_parts(self.folder)
        while True:
            self.part = f"{self.path}.{os.getpid()}-{time.time_ns():x}.part"
            try:
                number = os.open(self.part, _FLAGS | os.O_CREAT | os.O_EXCL, MODE)
            except FileExistsError:
                continue
            if _lock(number, wait=True) and _is_there(number):
                break
            os.close(number)  # taken for dead between its making and its locking
        self.file = os.fdopen(number, "w+b")
        return self

    def commit(self, start: bytes, size: int, check: Callable[[str], None]) -> None:
        """Makes the file durable and gives it its name.

        `start` is put at offset 0 when all else is on the disk: a file without it is worth nothing. `check` is
        called with the part file's path, and raises when what can be read back is not what was written.
        """
        self.file.flush()
        self.file.truncate(size)
        os.fsync(self.file.fileno())
        self.file.seek(0)
        self.file.write(start)
        self.file.flush()
        os.fsync(self.file.fileno())
        check(self.part)
        if os.name == "nt":
            self.file.close()
        if self.replace:
            os.replace(self.part, self.path)
        else:
            self._take_a_name()
        self.part = ""
        _sync_folder(self.folder)

    def _take_a_name(self) -> None:
        for name in itertools.chain((self.name,), self._others):
            path = os.path.join(self.folder, os.path.basename(name))
            try:
                _rename(self.part, path)
            except FileExistsError:
                continue
            self.name, self.path = name, path
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self.path)

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # when what was still to be flushed, of a file that is given up, has no room
            self.file.close()
        if self.part:
            _remove(self.part)


def _spare_devices(path: str) -> None:
    """`/dev/null` as a plain file is a misfortune for all who use it."""
    with suppress(FileNotFoundError):
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR):  # a folder cannot be replaced anyway
            raise OSError(errno.EINVAL, "it is no file, but a device, pipe or socket", path)


def remove_dead_parts(folder: str) -> None:
    """Removes what writers that died left in a folder; never what one that lives is writing."""
    try:
        names = [entry.name for entry in os.scandir(folder) if _PART.fullmatch(entry.name)]
    except OSError:
        return
    for name in names:
        with suppress(OSError):
            _remove_dead(os.path.join(folder, name))


def _remove_dead(path: str) -> None:
    if sys.platform == "win32":  # it cannot be removed while it is open, nor can it get its name
        if time.time() - os.stat(path).st_mtime > LAST_STEP:
            _remove(path)
    else:
        number = os.open(path, _FLAGS | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(number).st_mode) and _lock(number, wait=False):
                _remove(path)
        finally:
            os.close(number)


def _rename(part: str, path: str) -> None:
    """Gives a file its name, unless another has it: `FileExistsError`."""
    if os.name == "nt":
        os.rename(part, path)
        return
    try:
        os.link(part, path, follow_symlinks=False)
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        # A file system without links: the name is taken by an empty file, which nobody takes for a dump.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))
        os.replace(part, path)
        return
    os.unlink(part)


def _lock(number: int, wait: bool) -> bool:
    if sys.platform == "win32":
        return True
    else:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # held by another; or a file system without locks, where parts of the dead stay
            return wait
        return True


def _is_there(number: int) -> bool:
    return os.name == "nt" or os.fstat(number).st_nlink > 0


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _sync_folder(folder: str) -> None:
    """So that the name outlives a power cut."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(number)
    finally:
        os.close(number)
