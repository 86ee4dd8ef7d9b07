"""The system's handler of crashes, which the kernel starts. `docs/postmortem.md` tells what it guards against.

Two processes. One keeps root's rights, but does not look at anything that the program could have made: it watches over
the other (`worker.py`), notes what became of it, and passes the core on.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from mdmp.capture.linux.proc import Proc
from mdmp.errors import MdmpError, UsageError
from mdmp.monitor.linux.log import write_log
from mdmp.monitor.linux.pass_on import pass_on, pieces, wants_core
from mdmp.monitor.linux.places import read_config
from mdmp.monitor.linux.slots import take_slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdmp.monitor.linux.places import Config

MEMORY = 1 << 30
"""Bytes of its own that a handler may use."""
CORE = 0
"""Standard input."""
_MAX_TOLD = 1 << 16
_LATE_ENOUGH = b"500"
"""oom_score_adj: rather we than others, when memory is short."""


class Request(NamedTuple):
    """What the kernel tells in the order of `core_pattern.SPECIFIERS`; numbers as of the first namespaces."""

    pid: int
    tid: int
    uid: int
    gid: int
    signal: int
    time: int
    """Seconds since 1970."""
    dumpable: int
    """1: its user may see its memory. Else it had other rights (setuid), or hides its memory."""
    core_limit: int
    """Soft limit of the core's size in bytes."""

    @property
    def is_plain(self) -> bool:
        return self.dumpable == 1


def handle(request: Request, config_path: str, report: Callable[[str], str] | None = None) -> int:
    """Deals with one crash whose core comes in on standard input; the exit code, which nobody reads."""
    began = time.monotonic()
    if os.geteuid() != 0:
        raise UsageError("this is for the kernel, which runs it as root")
    config = read_config(config_path)
    if config is None:
        raise UsageError(f"{config_path}: there is no such file: mdmp is not installed as the system's handler")
    _limit_ourselves()
    entry: dict[str, object] = {"time": request.time, **{k: getattr(request, k) for k in ("pid", "uid", "signal")}}
    try:
        wanted = is_wanted(request, config)
        spool = _spool() if wants_core(config.old_pattern, request) and (config.pass_on or not wanted) else None
        if wanted:
            try:
                entry |= _dump(request, config, report, spool)
            except OSError as problem:  # who else wants the core shall have it all the same
                entry["problem"] = str(problem)
        if spool is not None:
            core = pieces(spool, CORE, time.monotonic() + config.limit)
            if why_not := pass_on(config.old_pattern, request, core, config.limit):
                entry["pass_on"] = why_not
    except (MdmpError, OSError) as problem:
        entry["problem"] = str(problem)
        wanted = True
    if wanted:
        entry["seconds"] = round(time.monotonic() - began, 3)
        write_log(config.places.log, entry)
    return 0 if entry.get("dump") else 1


def _limit_ourselves() -> None:
    os.umask(0o077)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
        file.write(_LATE_ENOUGH)


def is_wanted(request: Request, config: Config) -> bool:
    """By `mdmp install --only`."""
    return config.only is None or fnmatchcase(Proc(request.pid).program, config.only)


def _spool() -> int:
    """For the start of a core that somebody else wants as well; it is in memory."""
    return os.memfd_create("core", os.MFD_CLOEXEC)


def _dump(
    request: Request, config: Config, report: Callable[[str], str] | None, spool: int | None
) -> dict[str, object]:
    held = take_slots(config.places.slots, request.uid)
    if held is None:
        return {"problem": "too many crashes at once: no dump"}
    try:
        return _supervise(request, config, report, spool)
    finally:
        for number in held:
            os.close(number)


def _supervise(
    request: Request, config: Config, report: Callable[[str], str] | None, spool: int | None
) -> dict[str, object]:
    """What the worker tells, or what became of it. Its user can kill it and stop it."""
    from mdmp.monitor.linux.worker import work

    reader, writer = os.pipe2(os.O_CLOEXEC)
    worker = os.fork()
    if worker == 0:
        os.close(reader)
        work(request, config, report, spool, writer)
    os.close(writer)
    if spool is None:
        os.close(CORE)  # the kernel waits with the end of the process until nobody reads any more
    told, end = _listen(worker, reader, config.limit)
    os.close(reader)
    facts = _facts(told)
    if end:
        facts["problem"] = f"the handler {end}"
    return facts


def _listen(worker: int, reader: int, limit: float) -> tuple[bytes, str | None]:
    """What the worker says until it ends, and how it came to a bad end."""
    deadline = time.monotonic() + limit
    told = bytearray()
    while True:
        ready, _, _ = select.select([reader], [], [], 0.1)
        piece = os.read(reader, _MAX_TOLD) if ready else b""
        told += piece
        closed = bool(ready) and not piece
        found, status = os.waitpid(worker, os.WUNTRACED | (0 if closed else os.WNOHANG))
        if found and os.WIFSTOPPED(status):
            end = "was stopped"
        elif found:
            return bytes(told), f"was killed by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else None
        elif time.monotonic() > deadline:
            end = f"took more than {limit} s"
        elif len(told) > _MAX_TOLD:
            end = "said too much"
        else:
            continue
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        return bytes(told), end


def _facts(told: bytes) -> dict[str, object]:
    try:
        facts = json.loads(told) if told else {"problem": "the handler said nothing"}
    except (ValueError, RecursionError):
        facts = {"problem": "the handler said nothing that makes sense"}
    return facts if isinstance(facts, dict) else {}
