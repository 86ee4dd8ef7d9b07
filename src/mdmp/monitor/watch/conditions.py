"""Conditions on what a process uses. Pure: samples come in, what is fulfilled comes out."""

from dataclasses import dataclass
from typing import NamedTuple


class Sample(NamedTuple):
    """What a process used at a moment. None: the system does not tell."""

    time: float
    """Seconds, by the clock `time.monotonic`."""
    cpu_time: float | None
    """Seconds of processor time since the process began, all threads together."""
    memory: int | None
    """Bytes: resident set (Linux), private bytes (Windows)."""
    threads: int | None
    handles: int | None
    """Open files (Linux) or handles (Windows)."""
    responding: bool | None = None
    """Windows: whether its windows answer; None without windows."""
    heartbeat: float | None = None
    """When the file that the process touches as its heartbeat was last touched, by the clock of `time`."""


@dataclass(frozen=True, slots=True)
class Condition:
    kind: str
    """`hang`, `cpu`, `memory`, `threads` or `handles`: a name of `fault.KINDS`."""
    limit: float
    """Percent of one processor, bytes, or a count; for `hang` seconds without progress."""
    lasting: float = 0.0
    """Seconds for which the limit has to be exceeded without a break."""
    below: bool = False
    """Fulfilled when the value is under the limit instead."""
    heartbeat: str | None = None
    """For `hang`: the file that the program touches now and then."""
