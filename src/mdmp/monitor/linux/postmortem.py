"""The system's handler of crashes, which the kernel starts. `docs/postmortem.md` tells what it guards against.

Two processes. One keeps root's rights, but does not look at anything that the program could have made: it watches over
the other, notes what became of it, and passes the core on. The other opens what only root may open, gives root's
rights up for those of the program's user, and does everything else.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from mdmp.errors import MdmpError, UsageError
from mdmp.monitor.linux.log import write_log
from mdmp.monitor.linux.places import Config, read_config
from mdmp.monitor.linux.slots import take_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mdmp.capture.options import CaptureOptions
    from mdmp.monitor.fault import Fault, Subject
    from mdmp.monitor.keeper import Capture, Outcome
    from mdmp.monitor.linux.remains import Remains
    from mdmp.monitor.policy.policy import Policy
    from mdmp.snapshot import Snapshot

MEMORY = 1 << 30
"""Bytes of its own that a handler may use."""
_MAX_TOLD = 1 << 16
_DUMPABLE = 1
_NO_SHARE_OF_OOM = b"500"


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


def handle(request: Request, config_path: str, report: Callable[[str], str] | None = None) -> int:
    """Deals with one crash whose core comes in on standard input; the exit code, which nobody reads."""
    began = time.monotonic()
    config = read_config(config_path)
    if config is None:
        raise UsageError(f"{config_path}: there is no such file: mdmp is not installed as the system's handler")
    if os.geteuid() != 0:
        raise UsageError("this is for the kernel, which runs it as root")
    _limit_ourselves()
    entry: dict[str, object] = {"time": request.time, **{k: getattr(request, k) for k in ("pid", "uid", "signal")}}
    held = take_slots(config.places.slots, request.uid)
    if held is None:
        entry["problem"] = "too many crashes at once: no dump"
    else:
        entry |= _supervise(request, config, report)
        for number in held:
            os.close(number)
    entry["seconds"] = round(time.monotonic() - began, 3)
    write_log(config.places.log, entry)
    return 0 if entry.get("dump") else 1


def _limit_ourselves() -> None:
    os.umask(0o077)
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
        file.write(_NO_SHARE_OF_OOM)


def _supervise(request: Request, config: Config, report: Callable[[str], str] | None) -> dict[str, object]:
    """What the worker tells, or what became of it."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    worker = os.fork()
    if worker == 0:
        os.close(reader)
        _work(request, config, report, writer)
    os.close(writer)
    os.close(0)
    deadline = time.monotonic() + config.limit
    told = bytearray()
    end = None
    while end is None:
        ready, _, _ = select.select([reader], [], [], 0.05)
        if ready and len(told) < _MAX_TOLD and (piece := os.read(reader, _MAX_TOLD)):
            told += piece
            continue
        # Its user can stop it as well as kill it.
        found, status = os.waitpid(worker, os.WUNTRACED | os.WNOHANG)
        if found and not os.WIFSTOPPED(status):
            break
        if ready and not found:
            time.sleep(0.005)
        end = "was stopped" if found else f"took more than {config.limit} s" if time.monotonic() > deadline else None
    if end is not None:
        os.kill(worker, signal.SIGKILL)
        _, status = os.waitpid(worker, 0)
    elif os.WIFSIGNALED(status):
        end = f"was killed by signal {os.WTERMSIG(status)}"
    os.close(reader)
    try:
        facts = json.loads(told) if told else {}
    except (ValueError, RecursionError):
        facts = {}
    if not isinstance(facts, dict):
        facts = {}
    if end is not None:
        facts["problem"] = f"the handler {end}"
    return facts


def _work(request: Request, config: Config, report: Callable[[str], str] | None, writer: int) -> NoReturn:
    """The worker, from beginning to end."""
    facts: dict[str, object] = {}
    try:
        facts |= _keep(request, config, report)
    except (MdmpError, OSError) as problem:
        facts["problem"] = str(problem)
    except Exception as problem:  # noqa: BLE001 - a bug of ours is for the log: nobody reads what the kernel starts
        trace = problem.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        facts["problem"] = f"internal error: {type(problem).__name__}: {problem} at {place}"
    finally:
        with suppress(OSError):
            os.write(writer, json.dumps(facts).encode()[:_MAX_TOLD])
        os._exit(0)


def _keep(request: Request, config: Config, report: Callable[[str], str] | None) -> dict[str, object]:
    from mdmp.monitor.fault import Subject
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.linux.privileges import become
    from mdmp.monitor.linux.remains import Remains

    remains = Remains(request.pid)
    facts: dict[str, object] = {"program": remains.path}
    if remains.forbids_cores:
        return facts | {"problem": "its limit of cores is 0 for good (ulimit -H -c 0): no dump"}
    plain = request.dumpable == _DUMPABLE and remains.is_plain(request.uid, request.gid)
    uid, gid = (request.uid, request.gid) if plain else (0, 0)
    folder = f"{config.places.dumps}/{uid}"
    _make_folder(folder, uid, gid)
    _preload()
    become(uid, gid)
    variables = {} if remains.elsewhere else _variables(uid)
    subject = Subject(request.pid, remains.path, uid, gid, variables)
    snapshot = remains.snapshot(_read_start())
    fault = _fault(request, subject, snapshot)
    policy = _policy(subject, folder, config)
    outcome = Keeper(policy, report=report).keep(fault, _captured(remains, snapshot))
    return facts | _told(outcome)


def _policy(subject: Subject, folder: str, config: Config) -> Policy:
    from mdmp.monitor.policy.load import load_policy

    return load_policy(subject, environment={}, handler=True, default_folder=folder, system_file=config.policy)


def _captured(remains: Remains, snapshot: Snapshot) -> Capture:
    @contextmanager
    def capture(options: CaptureOptions) -> Iterator[Snapshot]:
        secret = options.command_line or options.environment
        try:
            yield remains.with_secrets(snapshot, options) if secret else snapshot
        finally:
            remains.close()
            os.close(0)  # the kernel waits for this with the end of the process

    return capture


def _told(outcome: Outcome) -> dict[str, object]:
    facts: dict[str, object] = {"fault": outcome.fault.kind, "text": outcome.fault.text}
    if outcome.saved:
        facts |= {"dump": outcome.saved.path, "size": outcome.saved.size}
    elif outcome.problem:
        facts["problem"] = outcome.problem
    else:
        facts["reasons"] = list(outcome.decision.reasons)
    if outcome.notes:
        facts["notes"] = list(outcome.notes)
    return facts


def _fault(request: Request, subject: Subject, snapshot: Snapshot) -> Fault:
    from mdmp.monitor.fault import Fault
    from mdmp.platforms.signals import signal_name

    kinds = {4: "illegal_instruction", 5: "breakpoint", 6: "abort", 7: "access_violation", 8: "arithmetic"}
    kinds |= {11: "access_violation", 31: "bad_system_call"}
    record = snapshot.exceptions[0] if snapshot.exceptions else None
    address = record.address if record else None
    name = signal_name(request.signal) or f"signal {request.signal}"
    at = f" at {address:#x}" if address is not None else ""
    tid = record.tid if record else request.tid
    return Fault(
        kinds.get(request.signal, "other_exception"),
        subject,
        f"{name}{at} in thread {tid}",
        tid=tid,
        code=request.signal,
        address=address,
        how="postmortem",
    )


def _read_start() -> bytes:
    from mdmp.dumpfile.core.crash import read_start

    def read(size: int) -> bytes:
        pieces = []
        while size > 0 and (piece := os.read(0, min(size, 1 << 20))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    return read_start(read)


def _make_folder(path: str, uid: int, gid: int) -> None:
    """In a folder where only root can make or exchange anything."""
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
        os.chown(path, uid, gid, follow_symlinks=False)


def _variables(uid: int) -> dict[str, str]:
    """What a user's own environment would hold for the folders of a policy; nothing that the process says."""
    import pwd

    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return {}
    return {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}


def _preload() -> None:
    """All that is imported later on: the user may not be allowed to read the folder of this Python."""
    import mdmp.dumpfile.save_chosen
    import mdmp.monitor.finalize.folder
    import mdmp.monitor.finalize.name
    import mdmp.monitor.policy.decide  # noqa: F401
