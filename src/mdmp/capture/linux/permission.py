"""Why a process cannot be captured, in plain words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mdmp.capture.linux.proc import Proc, read_text
from mdmp.errors import UsageError
from mdmp.formats.proc.stat import KERNEL_THREAD
from mdmp.formats.proc.status import number, parse_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP_SYS_PTRACE = 19
_NOBODY = 3
_SCOPES = {
    1: "this system lets only parents trace their children (kernel.yama.ptrace_scope is 1): start the program with "
    "mdmp, or capture as root",
    2: "this system lets only root trace (kernel.yama.ptrace_scope is 2): capture as root",
    3: "this system lets nobody trace until it is started again (kernel.yama.ptrace_scope is 3)",
}


def check(proc: Proc) -> None:
    """`UsageError` for what can be no process to capture."""
    pid = proc.pid
    if pid == os.getpid():
        raise UsageError("a process cannot capture itself")
    stat, status = proc.stat(), proc.status()
    if stat is None:
        raise UsageError(f"there is no process {pid}")
    group = number(status, "Tgid")
    if group is not None and group != pid:
        raise UsageError(f"{pid} is a thread of process {group}: capture that")
    if stat.state in "ZX" and len(proc.tids()) < 2:
        raise UsageError(
            f"process {pid} ({stat.name}) has ended; nothing is left of it but the notice for its parent {stat.parent}"
        )
    if stat.flags & KERNEL_THREAD:
        raise UsageError(f"process {pid} ({stat.name}) is a thread of the kernel, which has no program to capture")


def refusal(proc: Proc, problem: OSError) -> str:
    """Why the kernel does not let us trace the process, going by what can be seen."""
    reasons = _reasons(proc.status(), parse_fields(read_text("/proc/self/status") or b""))
    return f"not permitted to trace process {proc.pid}: {'; '.join(reasons) or problem.strerror}"


def _reasons(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    tracer = number(theirs, "TracerPid")
    if tracer:
        name = (read_text(f"/proc/{tracer}/comm") or b"").decode("utf-8", "replace").strip()
        return [f"process {tracer} ({name or 'unknown'}) traces it already, as a debugger does"]
    reasons = []
    text = (read_text("/proc/sys/kernel/yama/ptrace_scope") or b"").strip()
    scope = int(text) if text.isdigit() else 0
    capable = int(ours.get("CapEff", "0") or "0", 16) >> _CAP_SYS_PTRACE & 1
    if not capable:
        owner, user = number(theirs, "Uid"), os.geteuid()
        if owner is not None and owner != user:
            reasons.append(f"it belongs to user {owner}, and we are user {user}: capture as that user or as root")
        elif user == 0:
            reasons.append("root here lacks CAP_SYS_PTRACE: in a container add it (--cap-add=SYS_PTRACE)")
        if scope in _SCOPES:
            reasons.append(_SCOPES[scope])
        if not reasons:
            reasons.append("it may have more rights than we, or does not let itself be dumped (PR_SET_DUMPABLE)")
        return reasons
    if scope == _NOBODY:
        reasons.append(_SCOPES[_NOBODY])
    if number(ours, "Seccomp"):
        reasons.append("a seccomp filter, such as of a container, may forbid ptrace: allow it there")
    if not reasons:
        reasons.append("although we may trace others: a security module, or its user namespace, may protect it")
    return reasons
