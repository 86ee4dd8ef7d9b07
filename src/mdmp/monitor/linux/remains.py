"""What is left of a process that has crashed, while the kernel keeps it for us -> `Snapshot`.

Its registers come down the pipe with the first bytes of the core; its memory is still where it was. Nothing of the
core is put on a disk.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from mdmp.capture.linux.describe import describe, look
from mdmp.capture.linux.memory import LiveMemory
from mdmp.capture.linux.process import read_process, read_texts
from mdmp.capture.linux.saved import SavedProc
from mdmp.capture.linux.touched import touched
from mdmp.capture.options import CaptureOptions
from mdmp.dumpfile.core.crash import load_crash
from mdmp.formats.proc.limits import parse_limits
from mdmp.formats.proc.status import parse_fields
from mdmp.snapshot import Origin

if TYPE_CHECKING:
    from mdmp.snapshot import Snapshot

METHOD = "read after its end, while the kernel kept it for the handler of crashes"
_NAMESPACES = ("ns/mnt", "ns/user", "ns/pid")


class Remains:
    """Made by root; afterwards no rights are needed."""

    def __init__(self, pid: int, tid: int) -> None:
        self.proc = SavedProc(pid)
        status = parse_fields(self.proc.text("status") or b"")
        self._ids = (status, parse_fields(self.proc.text(f"task/{tid}/status") or b""))
        self.is_there = any(fields.get("CoreDumping") == "1" for fields in self._ids)
        """Else it has gone meanwhile, and who has its number now is somebody else."""
        self._memory = self._pagemap = -1
        if self.is_there:
            self._memory = os.open(f"/proc/{tid}/mem", os.O_RDONLY | os.O_CLOEXEC)
            self._pagemap = os.open(f"/proc/{tid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        self.elsewhere = any(
            self.proc.link(name) != _own(f"/proc/self/{name}") for name in _NAMESPACES
        ) or self.proc.link("root") not in ("/", None)
        """It lives in a container: its users and paths are not those of this system."""

    def is_plain(self, uid: int, gid: int) -> bool:
        """Whether the process had the rights of that user and group only, so that its memory is theirs."""
        wanted = {"Uid": [str(uid)] * 4, "Gid": [str(gid)] * 4}
        return all(fields.get(name, "").split() == ids for fields in self._ids for name, ids in wanted.items())

    @property
    def forbids_cores(self) -> bool:
        """The hard limit of its core's size is 0: it, or who started it, gave up cores for good."""
        limit = parse_limits(self.proc.text("limits") or b"").get("Max core file size")
        return limit is not None and limit.hard == 0

    @cached_property
    def tids(self) -> dict[int, int]:
        """The number of each thread in its own pid namespace -> in ours."""
        found = {}
        for tid in self.proc.tids():
            inner = parse_fields(self.proc.text(f"task/{tid}/status") or b"").get("NSpid", "").split()
            found[int(inner[-1]) if inner and inner[-1].isdigit() else tid] = tid
        return found

    def snapshot(self, start: bytes) -> Snapshot:
        """`start`: of the core, as `read_start` gave it. `UnusableInputError` when it tells nothing."""
        crash = load_crash(start)
        contexts = {self.tids.get(thread.tid, thread.tid): thread.context for thread in crash.threads}
        exceptions = tuple(
            replace(
                record,
                tid=self.tids.get(record.tid, record.tid) if record.tid is not None else None,
                context=crash.threads[0].context,
            )
            for record in crash.exceptions
        )
        seen = look(self.proc, contexts)
        return describe(
            self.proc,
            CaptureOptions(),
            seen,
            LiveMemory(self.proc.pid, touched(self._pagemap, seen.maps), file=self._memory),
            origin=Origin("live", time=datetime.now(UTC), writer="mdmp", method=METHOD),
            exceptions=exceptions,
            comment=METHOD,
            issues=crash.issues,
        )

    def with_secrets(self, snapshot: Snapshot, options: CaptureOptions) -> Snapshot:
        """The same with what is told only where it is asked for."""
        proc, texts = self.proc, {name: self.proc.text(name) or b"" for name in ("maps", "status")}
        return replace(
            snapshot,
            process=read_process(proc, options, texts["status"]),
            annotations=replace(snapshot.annotations, texts=read_texts(proc, options, texts["maps"], texts["status"])),
        )

    def close(self) -> None:
        for file in (self._memory, self._pagemap):
            if file >= 0:
                os.close(file)
        self._memory = self._pagemap = -1


def _own(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
