"""What a process of Linux uses, cheaply: three calls of the system, some ten microseconds."""

import os
import time
from collections.abc import Sequence
from itertools import islice

from mdmp.capture.linux.proc import Proc
from mdmp.formats.proc.stat import Stat, parse_stat
from mdmp.monitor.watch.conditions import Condition, Sample

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = 1 / os.sysconf("SC_CLK_TCK")


class LinuxSampler:
    """Looks at one process. Needs no permission but for `handles`: that is None for other users' processes."""

    def __init__(self, pid: int, conditions: Sequence[Condition]) -> None:
        """`conditions` say what is needed beyond /proc/PID/stat."""
        self._pid = pid
        self._folder = ""
        """Of a thread that still has the memory and files: the first, unless that has ended before the others."""
        # CPUCLOCK_SCHED of a whole process: as clock_getcpuclockid(3) makes it.
        self._clock = (~pid << 3) | 2
        self._enough_files = max((int(c.limit) * 2 + 1 for c in conditions if c.kind == "handles"), default=0)
        self._heartbeat = next((c.heartbeat for c in conditions if c.heartbeat), None)

    def __call__(self) -> Sample | None:
        """None when the process has ended."""
        self._folder = f"/proc/{self._pid}"
        stat = self._stat()
        if stat is not None and stat.state == "Z" and stat.threads > 1:
            self._folder = f"/proc/{Proc(self._pid).living}"
            stat = self._stat()
        if stat is None or stat.state in "ZXx":
            return None
        try:
            cpu_time = time.clock_gettime(self._clock)
        except OSError:
            cpu_time = (stat.user_ticks + stat.kernel_ticks) * _TICK
        now = time.monotonic()
        return Sample(
            now,
            cpu_time,
            stat.resident_pages * _PAGE,
            stat.threads,
            self._files() if self._enough_files else None,
            heartbeat=now - _age(self._heartbeat) if self._heartbeat else None,
        )

    def _stat(self) -> Stat | None:
        try:
            with open(f"{self._folder}/stat", "rb", buffering=0) as file:
                return parse_stat(file.read(4096))
        except OSError:
            return None

    def _files(self) -> int | None:
        """How many it has open, counted no further than twice the limit."""
        folder = f"{self._folder}/fd"
        try:
            # Linux 6.2 and later tell the count as the folder's size.
            if size := os.stat(folder).st_size:
                return size
            with os.scandir(folder) as entries:
                return sum(1 for _ in islice(entries, self._enough_files))
        except OSError:
            return None


def _age(path: str) -> float:
    """Seconds since a file was last touched; infinite for one that is not there."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return float("inf")
