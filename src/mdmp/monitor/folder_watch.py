"""Dumps that somebody else writes into a folder (Windows by WER's LocalDumps): noticed, and finalized like our own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.dumpfile.load import load
from mdmp.dumpfile.save import Saved
from mdmp.errors import MdmpError
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.finalize.steps import finalize
from mdmp.monitor.keeper import Outcome
from mdmp.monitor.policy.settings import Decision
from mdmp.monitor.windows import faults as windows
from mdmp.platforms.signals import signal_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mdmp.monitor.policy.policy import Policy
    from mdmp.snapshot import Snapshot

SETTLED = 2.0
"""Seconds for which a file has to stay as it is: until then somebody may be writing it."""
_SUFFIXES = (".dmp", ".mdmp")


class FolderWatch:
    """Looks at a folder now and then. A file that it has seen is not looked at again unless it changes."""

    def __init__(self, folder: str, policy: Policy, report: Callable[[str], str] | None) -> None:
        self.folder = folder
        self._policy = policy
        self._report = report
        self._known: dict[str, tuple[int, int]] = {}

    def take_as_known(self) -> None:
        """What is there now is no news."""
        self._known = dict(self._files())

    def look(self) -> Iterator[Outcome]:
        """What became of each new dump that is complete."""
        files = dict(self._files())
        self._known = {path: state for path, state in self._known.items() if path in files}
        for path, state in files.items():
            if self._known.get(path) != state and time.time() - state[1] / 1e9 >= SETTLED:
                self._known[path] = state
                yield self._outcome(path, state[0])

    def _files(self) -> Iterator[tuple[str, tuple[int, int]]]:
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.lower().endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):  # it has gone meanwhile, the others have not
                        found = entry.stat(follow_symlinks=False)
                        yield entry.path, (found.st_size, found.st_mtime_ns)

    def _outcome(self, path: str, size: int) -> Outcome:
        try:
            fault = fault_of(load(path))
            problem = None
        except MdmpError as error:
            fault = Fault("other_exception", Subject(0), f"{path}: {error}", how="watch")
            problem = str(error)
        settings, _ = self._policy.settings_for(fault.subject.name)
        # Whoever writes the dumps removes old ones.
        quiet = replace(settings, count=max(settings.count, 1 << 31), max_age=None, max_total=None)
        decision = Decision("full", quiet, self.folder, reasons=("somebody else wrote it",))
        saved = None if problem else Saved(path, size, 0, ())
        return finalize(Outcome(fault, decision, saved, problem), self._report)


def fault_of(snapshot: Snapshot) -> Fault:
    """What a dump was made for, as far as it tells."""
    path = snapshot.modules[0].path if snapshot.modules else ""
    subject = Subject(snapshot.process.pid or 0, path)
    record = snapshot.exceptions[0] if snapshot.exceptions else None
    if record is None:
        return Fault("request", subject, "a dump without an exception", how="watch")
    if snapshot.system.os == "windows":
        return Fault(
            windows.kind_of(record),
            subject,
            windows.text_of(record, None),
            tid=record.tid,
            code=record.code,
            address=windows.address_of(record),
            how="watch",
        )
    name = signal_name(record.code) or f"code {record.code:#x}"
    text = f"{name} in thread {record.tid}"
    return Fault("other_exception", subject, text, tid=record.tid, code=record.code, how="watch")
