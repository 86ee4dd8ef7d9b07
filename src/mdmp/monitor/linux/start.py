"""A program started as our child, which waits until it is traced and then is as it would be without us."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

from mdmp.monitor.run import StartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""As shells, env, nohup and timeout say it."""
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def find_program(name: str, variables: Mapping[str, str] = os.environ) -> str:
    """The path of a program, as execvp(3) finds it. `StartError` when there is none, or none that may be run."""
    folders = [""] if "/" in name else variables.get("PATH", os.defpath).split(os.pathsep)
    problem = None
    for folder in folders if name else ():
        path = os.path.join(folder or os.curdir, name) if "/" not in name else name
        if not os.path.exists(path):
            continue
        if os.path.isdir(path):
            problem = problem or f"{path} is a folder"
        elif not os.access(path, os.X_OK):
            problem = problem or f"{path} is not executable"
        else:
            return path
    if problem:
        raise StartError(f"cannot start {name}: {problem}", NOT_EXECUTABLE)
    raise StartError(f"cannot start {name}: there is no such program", NOT_FOUND)


class Child:
    """Forked, and waiting for `go`. Until then it is a copy of this Python."""

    def __init__(self, path: str, arguments: Sequence[str], mask: Iterable[int]) -> None:
        """`mask`: the signals that it shall block, which we may have changed for ourselves."""
        self._name = arguments[0]
        waits, self._go = os.pipe()
        self._told, tells = os.pipe()
        try:
            self.pid = os.fork()
        except OSError as problem:
            for file in (waits, self._go, self._told, tells):
                os.close(file)
            why = f"the system makes no process: {problem.strerror} (see ulimit -u)"
            raise StartError(f"cannot start {self._name}: {why}", NOT_EXECUTABLE) from None
        if self.pid == 0:
            os.close(self._go)
            _become(path, arguments, mask, waits, tells)
        os.close(waits)
        os.close(tells)

    def go(self) -> None:
        os.write(self._go, b"!")

    def problem(self) -> StartError | None:
        """Why the program could not be started after all; to be asked when it has ended."""
        told = os.read(self._told, 16)
        if not told:
            return None
        number = int(told)
        status = NOT_FOUND if number == errno.ENOENT else NOT_EXECUTABLE
        return StartError(f"cannot start {self._name}: {_WORDS.get(number) or os.strerror(number)}", status)

    def close(self) -> None:
        """Without `go` before, it ends without having done anything."""
        os.close(self._go)
        os.close(self._told)


_WORDS = {
    errno.ENOENT: "its interpreter, or a part of its path, is missing",
    errno.ENOEXEC: "it is no program that this system can run",
}


def _become(path: str, arguments: Sequence[str], mask: Iterable[int], waits: int, tells: int) -> None:
    """In the child; never returns."""
    try:
        for number in signal.valid_signals():
            if number in _IGNORED_BY_PYTHON or callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        if os.read(waits, 1):
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            try:
                os.execv(path, list(arguments))
            except OSError as problem:
                if problem.errno != errno.ENOEXEC:
                    raise
                # A script without a first line that names its interpreter: as shells and execvp do.
                os.execv("/bin/sh", ["/bin/sh", path, *arguments[1:]])
    except OSError as problem:
        os.write(tells, str(problem.errno).encode())
    finally:
        os._exit(NOT_FOUND)
