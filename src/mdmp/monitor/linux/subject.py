"""Whom a dump is of."""

from mdmp.capture.linux.proc import Proc
from mdmp.formats.proc.status import number
from mdmp.monitor.fault import Subject


def subject_of(pid: int) -> Subject:
    """A living process."""
    proc = Proc(pid)
    status = proc.status()
    path = (proc.link("exe") or "").removesuffix(" (deleted)")
    return Subject(pid, path or status.get("Name", ""), number(status, "Uid"), number(status, "Gid"))
