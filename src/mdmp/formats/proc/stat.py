"""/proc/PID/stat and /proc/PID/task/TID/stat. Source: proc_pid_stat(5)."""

from typing import NamedTuple


class Stat(NamedTuple):
    pid: int
    name: str
    """At most 15 bytes of it."""
    state: str
    """One letter: R, S, D (waits and cannot be interrupted), T, t, Z (has ended), X…"""
    parent: int
    terminal: int
    """The device number of its controlling terminal; 0: none."""
    flags: int
    user_ticks: int
    """In units of 1/sysconf(_SC_CLK_TCK) seconds, as the next."""
    kernel_ticks: int
    start_ticks: int
    """After the start of the system."""
    threads: int
    resident_pages: int


KERNEL_THREAD = 0x00200000
"""PF_KTHREAD in `flags`."""


def parse_stat(text: bytes) -> Stat | None:
    """None for another text. The name may hold any byte but NUL, so the last parenthesis ends it."""
    head, _, rest = text.rpartition(b")")
    pid, _, name = head.partition(b" (")
    fields = rest.split()
    if len(fields) < 22 or not pid.isdigit():
        return None
    try:
        numbers = [int(fields[i]) for i in (1, 4, 6, 11, 12, 19, 17, 21)]
    except ValueError:
        return None
    return Stat(int(pid), name.decode("utf-8", "replace"), fields[0].decode("ascii", "replace"), *numbers)
