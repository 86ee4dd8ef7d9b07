"""Facts of a Linux system -> what is amiss. Pure.

Sources: core(5), ptrace(2), proc(5), and the kernel's Documentation/admin-guide/LSM/Yama.rst and sysctl/fs.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.monitor.doctor.check import BAD, OK, SYSTEM, TRACE, UNKNOWN, WARN, Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.doctor.linux_facts import LinuxFacts

_OTHERS = {
    "systemd-coredump": "systemd-coredump (coredumpctl shows them)",
    "apport": "Ubuntu's apport (/var/crash)",
    "abrt": "ABRT (/var/spool/abrt)",
    "wsl-capture-crash": "WSL (Windows' crash folder)",
}
_INSTALL = "mdmp install (as root), or start the program with mdmp run"
MAX_TRACED = 5


def check_linux(facts: LinuxFacts) -> Iterator[Check]:
    yield _core_pattern(facts)
    if facts.installed is not None and facts.installed.installed:
        yield from _ours(facts)
    yield _suid_dumpable(facts)
    yield _tracing(facts)
    yield _scope(facts)
    for traced in facts.traced[:MAX_TRACED]:
        text = f"process {traced.pid} ({traced.name}) has a debugger already: {traced.tracer} ({traced.tracer_name})"
        if traced.tracer_name.startswith("mdmp: "):
            yield Check("traced", OK, text, concerns=TRACE)
        else:
            yield Check("traced", WARN, text, "its dumps are up to that debugger; end it to use mdmp", TRACE)
    yield _log(facts)
    yield from _protected(facts)


def _core_pattern(facts: LinuxFacts) -> Check:
    pattern, status = facts.core_pattern, facts.installed

    def told(state: str, text: str, advice: str = "") -> Check:
        return Check("core_pattern", state, text, advice, SYSTEM)

    if status is not None and status.installed:
        return told(OK, "crashes of all programs come to mdmp")
    if status is None:
        return told(UNKNOWN, f"whether mdmp is the system's handler cannot be found out: {facts.trouble}", _INSTALL)
    if pattern.startswith("|"):
        handler = pattern[1:].split(" ", 1)[0]
        known = next((words for name, words in _OTHERS.items() if name in handler), handler)
        return told(WARN, f"crashes of programs that nobody watches go to {known}, not to mdmp", _INSTALL)
    if not pattern.strip():
        return told(BAD, "core_pattern is empty: a crash leaves nothing, unless mdmp watches the program", _INSTALL)
    if facts.core_limit == 0:
        text = "the kernel would write a core file, but the limit is 0 (ulimit -c): a crash leaves nothing"
        return told(BAD, f"{text}, unless mdmp watches the program", _INSTALL)
    limit = "" if facts.core_limit < 0 else f", cut at {facts.core_limit} bytes"
    text = f"a crash leaves a core file ({pattern!r}{limit}), no dump, unless mdmp watches the program"
    return told(WARN, text, f"{_INSTALL}; mdmp convert makes a dump of a core file")


def _ours(facts: LinuxFacts) -> Iterator[Check]:
    assert facts.installed is not None
    for problem in facts.installed.problems:
        yield Check("handler", BAD, problem, "mdmp install again", SYSTEM)
    if not facts.installed.problems:
        yield Check("handler", OK, "what the kernel starts is there, root's alone, and this mdmp", concerns=SYSTEM)
    if facts.pipe_limit == 0:
        text = "core_pipe_limit is 0: the kernel does not wait until a crashed process was read"
        yield Check("core_pipe_limit", BAD, text, "mdmp install again (it sets the limit)", SYSTEM)
    elif facts.pipe_limit is not None:
        text = f"up to {facts.pipe_limit} crashes are handled at once; the kernel drops those beyond"
        yield Check("core_pipe_limit", OK, text, concerns=SYSTEM)
    if facts.core_limit == 1:
        text = "the limit of core files is 1 byte here: the kernel starts no handler for such processes"
        yield Check("core_limit", BAD, text, "ulimit -c 0, or any other number", SYSTEM)


def _suid_dumpable(facts: LinuxFacts) -> Check:
    value = facts.suid_dumpable
    if value is None:
        return Check("suid_dumpable", UNKNOWN, "fs.suid_dumpable cannot be read", concerns=SYSTEM)
    if value == 0:
        text = "programs that changed their user (setuid, many services) leave nothing: fs.suid_dumpable is 0"
        return Check("suid_dumpable", WARN, text, "sysctl fs.suid_dumpable=2, if their dumps are wanted", SYSTEM)
    if value == 1:
        text = "fs.suid_dumpable is 1: memory of programs with more rights is given to their users"
        return Check("suid_dumpable", WARN, text, "sysctl fs.suid_dumpable=2", SYSTEM)
    return Check("suid_dumpable", OK, "programs that changed their user can be dumped, by root", concerns=SYSTEM)


def _tracing(facts: LinuxFacts) -> Check:
    if not facts.trace_problem:
        return Check("ptrace", OK, "programs that mdmp starts can be watched", concerns=TRACE)
    text = f"not even a child can be traced ({facts.trace_problem})"
    if facts.seccomp:
        place = "the container's" if facts.container else "a"
        text += f": {place} seccomp filter forbids it"
        advice = "docker run --cap-add=SYS_PTRACE, or a seccomp profile that allows ptrace and process_vm_readv"
    else:
        advice = "see ptrace(2); a security module (SELinux deny_ptrace, AppArmor) may forbid it"
    return Check("ptrace", BAD, text, advice, TRACE)


def _scope(facts: LinuxFacts) -> Check:
    def told(state: str, text: str, advice: str = "") -> Check:
        return Check("ptrace_scope", state, text, advice, TRACE)

    if facts.scope == 3:
        return told(BAD, "kernel.yama.ptrace_scope is 3: nobody may attach until the system starts again", _SCOPE)
    if facts.may_trace:
        return told(OK, "any process may be attached to (CAP_SYS_PTRACE)")
    if facts.user == 0:
        text = "root here has no CAP_SYS_PTRACE: processes of others, and some of root's own, cannot be attached to"
        return told(WARN, text, "docker run --cap-add=SYS_PTRACE")
    if facts.scope == 2:
        return told(BAD, "kernel.yama.ptrace_scope is 2: only root may attach; install_handler cannot work", _SCOPE)
    if facts.scope == 1:
        text = "processes that run already can be attached to by root only (kernel.yama.ptrace_scope is 1)"
        return told(WARN, text, "use mdmp run or install_handler, which work; or sysctl kernel.yama.ptrace_scope=0")
    return told(OK, "processes of the same user may be attached to")


_SCOPE = "sysctl kernel.yama.ptrace_scope=1, and look for who sets it in /etc/sysctl.d"


def _log(facts: LinuxFacts) -> Check:
    if facts.journal or facts.syslog:
        return Check("log", OK, f"crashes are noted in {'the journal' if facts.journal else 'syslog'}")
    advice = "in containers that is usual; look at the dump folder"
    return Check("log", WARN, "there is no journal and no syslog: crashes are noted nowhere", advice)


def _protected(facts: LinuxFacts) -> Iterator[Check]:
    off = [f"fs.{name}" for name, value in facts.protected if value == 0]
    if off:
        text = f"{', '.join(off)} is 0: in folders that all may write to, others can put links and files in the way"
        advice = f"sysctl {' '.join(f'{name}=1' for name in off)}"
        yield Check("protected", WARN, text, advice)
    elif facts.protected:
        yield Check("protected", OK, "links and files of others in folders that all may write to are not followed")
