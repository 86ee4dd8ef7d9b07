"""Root's rights given up for good."""

from __future__ import annotations

import os

from mdmp.capture.linux.syscalls import drop_capabilities


def become(uid: int, gid: int) -> None:
    """This process is that user's from now on, with no more rights than that and no way back. `OSError` otherwise.

    Root itself keeps what belongs to root, but none of its capabilities. The kernel then also keeps the user from
    tracing it (it is not dumpable any more).
    """
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (gid,) * 3 or os.getgroups() != [gid]:
        raise OSError("root's rights could not be given up")
    drop_capabilities()
    if uid != 0:
        try:
            os.setresuid(0, 0, 0)
        except PermissionError:
            return
        raise OSError("root's rights could be taken back")
