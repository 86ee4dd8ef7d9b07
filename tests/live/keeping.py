"""A fault that is kept from beginning to end, always the same; for Pythons without pytest, too."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

from mdmp.api import write_report_beside
from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.keeper import Keeper, Outcome
from mdmp.monitor.policy.load import load_policy
from mdmp.snapshot import Origin, Snapshot, System, Thread

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "shop.4711.20260102T030405Z"


class Zeros:
    """Memory that says to which writer it belongs, and how much it is."""

    def __init__(self, mark: int, size: int) -> None:
        self.mark, self.ranges = mark, ((0x10000, size),)

    def read_some(self, address: int, size: int) -> bytes:
        return bytes([self.mark]) * min(size, 0x10000 + self.ranges[0][1] - address)

    def read(self, address: int, size: int) -> bytes:
        return self.read_some(address, size)

    def word(self, address: int, size: int) -> int | None:
        return None


def capture_of(
    mark: int, size: int, meanwhile: Callable[[], object] = int
) -> Callable[[object], AbstractContextManager[Snapshot]]:
    @contextmanager
    def capture(_: object) -> Iterator[Snapshot]:
        meanwhile()
        origin = Origin("live", time=WHEN)
        yield Snapshot(origin, System("linux", "amd64"), threads=(Thread(mark),), memory=Zeros(mark, size))

    return capture


def keep(
    folder: object,
    mark: int = 1,
    size: int = 1 << 16,
    how: str = "run",
    pid: int = 4711,
    meanwhile: Callable[[], object] = int,
    **settings: object,
) -> Outcome:
    """Always the same process at the same time, so that all ask for the same name."""
    settings = {"folder": str(folder), "type": "full", "repeat": 0, "min_free": 0, "notice": [], **settings}
    policy = load_policy(command_line=settings, environment={}, system_file=os.devnull, user_file=os.devnull)
    subject = Subject(pid, "/opt/shop", os.geteuid() if os.name != "nt" else None, None, {})
    fault = Fault("access_violation", subject, "SIGSEGV at 0x18", 4711, 11, 0x18, how=how)
    return Keeper(policy, report=write_report_beside).keep(fault, capture_of(mark, size, meanwhile))
