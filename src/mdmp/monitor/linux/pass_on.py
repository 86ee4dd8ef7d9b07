"""The core given to whom it went before mdmp was installed: another program, or a core file as the kernel writes it.

Source: core(5), and the kernel's fs/coredump.c. Nothing of a core is looked at here. A file is written with the rights
of the program's user, inside the program's own root.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from mdmp.capture.linux.proc import Proc
from mdmp.formats.proc.status import parse_fields
from mdmp.monitor.linux.core_stream import write_all
from mdmp.monitor.linux.privileges import become

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.linux.postmortem import Request

_PIECE = 1 << 20
_PAGE = 4096
_MODE = 0o600
MAX_NAME = 4096


class Names(NamedTuple):
    """What a pattern can ask for by name, of a process that is still there."""

    comm: str
    path: str
    inner_pid: int
    inner_tid: int


def wants_core(pattern: str, request: Request) -> bool:
    """Whether the kernel would have made anything of it."""
    if pattern.startswith("|"):
        return True
    return bool(pattern) and not pattern.startswith("@") and request.core_limit >= _PAGE


def pass_on(pattern: str, request: Request, core: Iterator[bytes], limit: float) -> str | None:
    """What went wrong, in words; the core is used up."""
    names = read_names(request)
    # The descriptors are of the process that is still kept, whatever has its number later.
    places = [os.open(f"/proc/{request.pid}/{name}", os.O_PATH | os.O_CLOEXEC) for name in ("root", "cwd")]
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(writer)
            if pattern.startswith("|"):
                _run(pattern, request, names, reader)
            _write_file(pattern, request, names, places, reader)
            code = 0
        except OSError:
            pass
        finally:
            os._exit(code)
    for number in (reader, *places):
        os.close(number)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        for piece in core:
            write_all(writer, piece)
    except BrokenPipeError:
        pass  # it has seen enough
    os.close(writer)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return f"the core could not be passed on to {pattern!r} ({status:#x})" if status else None


def read_names(request: Request) -> Names:
    proc = Proc(request.pid)
    inner = []
    for name, fallback in (("status", request.pid), (f"task/{request.tid}/status", request.tid)):
        numbers = parse_fields(proc.text(name) or b"").get("NSpid", "").split()
        inner.append(int(numbers[-1]) if numbers and numbers[-1].isdigit() else fallback)
    comm = (proc.text(f"task/{request.tid}/comm") or b"").decode("utf-8", "surrogateescape").removesuffix("\n")
    return Names(comm, proc.link("exe") or "", *inner)


def expand(pattern: str, request: Request, names: Names) -> str:
    """The specifiers replaced as the kernel does it; those that it does not know are left out."""
    values = {
        "%": "%",
        "p": str(names.inner_pid),
        "P": str(request.pid),
        "i": str(names.inner_tid),
        "I": str(request.tid),
        "u": str(request.uid),
        "g": str(request.gid),
        "d": str(request.dumpable),
        "s": str(request.signal),
        "t": str(request.time),
        "c": str(request.core_limit),
        "h": _one_name(socket.gethostname()),
        "e": _one_name(names.comm),
        "f": _one_name(os.path.basename(names.path)),
        "E": _one_name(names.path),
    }
    rest = iter(pattern)
    return "".join(char if char != "%" else values.get(next(rest, ""), "") for char in rest)


def _one_name(text: str) -> str:
    """No separators, and no way up."""
    text = text.replace("/", "!").replace("\0", "")
    return "!" + text[1:] if text in ("", ".", "..") else text


def _run(pattern: str, request: Request, names: Names, core: int) -> None:
    """Does not return: this process becomes the other handler, with what the kernel would have given it."""
    arguments = [expand(word, request, names) for word in pattern[1:].split(" ") if word]
    if not arguments:
        raise OSError("there is no program to start")
    os.dup2(core, 0)
    os.chdir("/")
    os.execve(arguments[0], arguments, {})


def _write_file(pattern: str, request: Request, names: Names, places: list[int], core: int) -> None:
    path = expand(pattern, request, names)[:MAX_NAME]
    if "%p" not in pattern and _uses_pid():
        path += f".{names.inner_pid}"
    privileged = not request.is_plain
    if privileged and not path.startswith("/"):
        raise PermissionError("a program with other rights leaves no core in a folder of its choice")
    root, folder = places
    os.fchdir(root)
    os.chroot(".")
    os.fchdir(folder)
    become(*((0, 0) if privileged else (request.uid, request.gid)))
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    number = os.open(path, flags | (os.O_EXCL if privileged else 0), _MODE)
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        raise PermissionError("there is something else under the core's name")
    if found.st_mode & 0o677 != _MODE:
        raise PermissionError("the file under the core's name is open to others")
    os.ftruncate(number, 0)
    at, left = 0, request.core_limit
    while left > 0 and (piece := os.read(core, min(_PIECE, left))):
        if piece.count(0) != len(piece):  # zeros are left out, as the kernel does
            os.pwrite(number, piece, at)
        at += len(piece)
        left -= len(piece)
    os.ftruncate(number, at)


def _uses_pid() -> bool:
    try:
        with open("/proc/sys/kernel/core_uses_pid", "rb") as file:
            return file.read().strip() not in (b"", b"0")
    except OSError:
        return False


def pieces(spool: int | None, stream: int, deadline: float) -> Iterator[bytes]:
    """What was read of a core, then the rest of it."""
    if spool is not None:
        os.lseek(spool, 0, os.SEEK_SET)
        while piece := os.read(spool, _PIECE):
            yield piece
    while time.monotonic() < deadline and (piece := os.read(stream, _PIECE)):
        yield piece
