"""What of a Linux system decides whether a crash leaves a dump."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmp.capture.linux import syscalls
from mdmp.capture.linux.proc import Proc, pids, read_text
from mdmp.errors import MdmpError
from mdmp.formats.proc.status import number, parse_fields
from mdmp.monitor.finalize.event_log import JOURNAL, SYSLOG
from mdmp.monitor.install import status

if TYPE_CHECKING:
    from mdmp.monitor.install import Status

_CAP_SYS_PTRACE = 19


@dataclass(frozen=True, slots=True)
class Traced:
    """A process that has a debugger, so that nobody else can be one."""

    pid: int
    name: str
    tracer: int
    tracer_name: str


@dataclass(frozen=True, slots=True)
class LinuxFacts:
    core_pattern: str
    pipe_limit: int | None
    core_limit: int
    """RLIMIT_CORE of this process, bytes; -1: none."""
    suid_dumpable: int | None
    installed: Status | None
    """Of our handler; None: not to be found out."""
    trouble: str = ""
    """Why it is not."""
    scope: int | None = None
    """kernel.yama.ptrace_scope; None: there is no Yama."""
    user: int = 0
    may_trace: bool = True
    """CAP_SYS_PTRACE."""
    seccomp: bool = False
    container: bool = False
    trace_problem: str = ""
    """Why not even a child can be traced; empty: it was tried, and can be."""
    traced: tuple[Traced, ...] = ()
    journal: bool = False
    syslog: bool = False
    protected: tuple[tuple[str, int], ...] = ()
    """The settings fs.protected_* by their names."""


def gather_linux() -> LinuxFacts:
    ours = parse_fields(read_text("/proc/self/status") or b"")
    installed, trouble = None, ""
    try:
        installed = status()
    except MdmpError as problem:
        trouble = str(problem)
    return LinuxFacts(
        core_pattern=(read_text("/proc/sys/kernel/core_pattern") or b"").decode("utf-8", "replace").strip("\n"),
        pipe_limit=_setting("kernel/core_pipe_limit"),
        core_limit=resource.getrlimit(resource.RLIMIT_CORE)[0],
        suid_dumpable=_setting("fs/suid_dumpable"),
        installed=installed,
        trouble=trouble,
        scope=_setting("kernel/yama/ptrace_scope"),
        user=os.geteuid(),
        may_trace=bool(int(ours.get("CapEff", "0") or "0", 16) >> _CAP_SYS_PTRACE & 1),
        seccomp=bool(number(ours, "Seccomp")),
        container=any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")),
        trace_problem=_try_to_trace(),
        traced=_traced(),
        journal=os.path.exists(JOURNAL),
        syslog=os.path.exists(SYSLOG),
        protected=tuple(
            (name, value)
            for name in ("protected_symlinks", "protected_hardlinks", "protected_regular")
            if (value := _setting(f"fs/{name}")) is not None
        ),
    )


def has_desktop() -> bool:
    shown = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"))
    return shown and shutil.which("notify-send") is not None


def _setting(name: str) -> int | None:
    text = (read_text(f"/proc/sys/{name}") or b"").strip()
    return int(text) if text.isdigit() else None


def _try_to_trace() -> str:
    """With a child that does nothing."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.pause()
        finally:
            os._exit(0)
    try:
        syscalls.ptrace(syscalls.Request.SEIZE, pid)
        return ""
    except OSError as problem:
        return problem.strerror or "refused"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _traced() -> tuple[Traced, ...]:
    found = []
    for pid in pids():
        fields = Proc(pid).status()
        if tracer := number(fields, "TracerPid"):
            found.append(Traced(pid, fields.get("Name", ""), tracer, _what_it_runs(tracer)))
    return tuple(found)


def _what_it_runs(pid: int) -> str:
    """Its name, or for one of ours what it says of itself."""
    words = (read_text(f"/proc/{pid}/cmdline") or b"").split(b"\0")
    ours = [word.decode("utf-8", "replace") for word in words if word.startswith(b"mdmp: ")]
    name = (read_text(f"/proc/{pid}/comm") or b"").decode("utf-8", "replace").strip()
    return ours[0] if ours else name
