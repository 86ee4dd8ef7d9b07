"""Whom a dump is of."""

from mdmp.capture.linux.proc import Proc
from mdmp.formats.proc.status import number
from mdmp.monitor.fault import Subject


def subject_of(pid: int) -> Subject:
    """A living process."""
    proc = Proc(pid)
    status = proc.status()
    return Subject(pid, proc.program or status.get("Name", ""), number(status, "Uid"), number(status, "Gid"))


def user_variables(uid: int) -> dict[str, str]:
    """What a user's own environment would hold for the folders of a policy; nothing that a process says."""
    import pwd

    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return {}
    return {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
