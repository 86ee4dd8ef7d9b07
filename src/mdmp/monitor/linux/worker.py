"""The part of the handler that looks at the crashed process.

It opens what only root may open, gives root's rights up for those of the program's user, and then reads what it
opened, decides, and writes the dump.
"""

from __future__ import annotations

import json
import mmap
import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from mdmp.errors import MdmpError, UnusableInputError
from mdmp.formats.proc.maps import parse_maps
from mdmp.monitor.linux import faults
from mdmp.monitor.linux.core_stream import CoreStream
from mdmp.monitor.linux.handled import first_seen
from mdmp.monitor.linux.postmortem import CORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mdmp.capture.options import CaptureOptions
    from mdmp.monitor.keeper import Capture, Outcome
    from mdmp.monitor.linux.places import Config
    from mdmp.monitor.linux.postmortem import Request
    from mdmp.monitor.linux.remains import Remains
    from mdmp.snapshot import Snapshot

MAX_CORE = 16 << 30
"""Bytes of a core that is put on the disk because the process is gone; it has no name there."""
_MAX_ISSUES = 10
_MAX_TOLD = 1 << 15


def work(
    request: Request, config: Config, report: Callable[[str], str] | None, spool: int | None, writer: int
) -> NoReturn:
    """From beginning to end: what became of it goes to `writer` as JSON."""
    facts: dict[str, object] = {}
    try:
        _keep(request, config, report, spool, facts)
    except (MdmpError, OSError) as problem:
        facts["problem"] = str(problem)
    except Exception as problem:  # noqa: BLE001 - a bug of ours is for the log: nobody reads what the kernel starts
        facts["problem"] = f"internal error: {type(problem).__name__}: {problem} at {_place(problem)}"
    finally:
        text = json.dumps(facts)
        if len(text) > _MAX_TOLD:
            text = json.dumps({"problem": "it has too much to tell", "dump": str(facts.get("dump"))[:4096]})
        with suppress(OSError):
            os.write(writer, text.encode())
        os._exit(0)


def _place(problem: Exception) -> str:
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"


def _keep(
    request: Request,
    config: Config,
    report: Callable[[str], str] | None,
    spool: int | None,
    facts: dict[str, object],
) -> None:
    from mdmp.monitor.fault import Subject
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.linux.privileges import become
    from mdmp.monitor.linux.remains import Remains
    from mdmp.monitor.linux.subject import user_variables
    from mdmp.monitor.policy.load import load_policy

    remains = Remains(request.pid, request.tid)
    facts["program"] = remains.proc.program
    if remains.forbids_cores:
        facts["reasons"] = ["its hard limit of cores is 0 (ulimit -H -c 0)"]
        return
    # Whatever had other rights than its user is root's business.
    plain = request.is_plain and remains.is_plain(request.uid, request.gid)
    uid, gid = (request.uid, request.gid) if plain else (0, 0)
    folder = f"{config.places.dumps}/{uid}"
    _make_folder(folder, uid, gid)
    if not remains.is_there and spool is None:
        spool = os.open(config.home, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    _preload(uid)
    become(uid, gid)
    variables = {} if remains.elsewhere else user_variables(uid)
    subject = Subject(request.pid, remains.proc.program, uid, gid, variables)
    snapshot = _snapshot(remains, CoreStream(CORE, spool))
    if not snapshot.exceptions:
        raise UnusableInputError("the core tells of no signal")
    record = first_seen(snapshot.exceptions[0], snapshot.memory)
    snapshot = replace(snapshot, exceptions=(record,))
    maps = parse_maps(remains.proc.text("maps") or b"")
    fault = faults.crash(record, faults.StoppedProcess(remains.proc, maps, snapshot.memory), subject, "postmortem")
    if assertion := faults.assertion_of(fault.messages):
        snapshot = replace(snapshot, annotations=replace(snapshot.annotations, assertion=assertion))
    policy = load_policy(subject, handler=True, default_folder=folder, system_file=config.policy)
    if policy.issues:
        facts["policy"] = [str(issue) for issue in policy.issues[:_MAX_ISSUES]]
    # A report opens files that the process names: not with more rights than it had, nor where the names mean others.
    trusted = report if plain and not remains.elsewhere else None
    outcome = Keeper(policy, report=trusted).keep(fault, _captured(remains, snapshot))
    facts |= _told(outcome)


def _snapshot(remains: Remains, core: CoreStream) -> Snapshot:
    if remains.is_there:
        from mdmp.dumpfile.core.crash import read_start

        return remains.snapshot(read_start(core.read))
    from mdmp.binary.window import Window
    from mdmp.dumpfile.core.load import load_core

    size = core.drain(MAX_CORE)
    mapped = mmap.mmap(core.spool or 0, size, access=mmap.ACCESS_READ) if size else b""
    return load_core(Window(mapped, "core"))


def _captured(remains: Remains, snapshot: Snapshot) -> Capture:
    @contextmanager
    def capture(options: CaptureOptions) -> Iterator[Snapshot]:
        secret = options.command_line or options.environment
        try:
            yield remains.with_secrets(snapshot, options) if secret else snapshot
        finally:
            remains.close()
            os.close(CORE)  # the kernel waits for this with the end of the process

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


def _make_folder(path: str, uid: int, gid: int) -> None:
    """In a folder where only root can make or exchange anything."""
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    if os.lstat(path).st_uid != uid:
        os.chown(path, uid, gid, follow_symlinks=False)


def _preload(uid: int) -> None:
    from mdmp.monitor.linux.preload import preload, readable_for_all

    if uid and not readable_for_all():
        preload()
