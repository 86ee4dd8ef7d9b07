"""What matters for dumps on every system: the policy for a program, the folder, the disk."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.policy.explain import explain

if TYPE_CHECKING:
    from mdmp.monitor.policy.explain import Explanation
    from mdmp.monitor.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Folder:
    path: str
    exists: bool
    nearest: str
    """The folder itself, or the one above it that exists."""
    is_folder: bool
    """Whether `nearest` is one."""
    writable: bool
    owner: int
    mode: int
    free: int | None
    """Bytes on its disk for us; None: not known."""
    free_files: int | None = None
    """How many more files its disk can hold; None: no limit, or not known."""


@dataclass(frozen=True, slots=True)
class CommonFacts:
    program: str
    explanation: Explanation
    """Of an access violation of that program."""
    folder: Folder
    user: int
    """Who we are; 0 on Windows."""
    desktop: bool
    """Whether there is a desktop that could show a notice, and a program that does."""


def gather_common(program: str, policy: Policy, desktop: bool) -> CommonFacts:
    explanation = explain(policy, crash_of(program))
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return CommonFacts(program, explanation, look_at_folder(explanation.decision.folder), user, desktop)


def crash_of(program: str) -> Fault:
    """One to come, of such a program of ours."""
    return Fault("access_violation", Subject(os.getpid(), program), "a crash to come")


def look_at_folder(path: str) -> Folder:
    path = nearest = os.path.abspath(path)
    while True:
        try:
            found = os.stat(nearest)
            break
        except OSError:
            above = os.path.dirname(nearest)
            if above == nearest:
                return Folder(path, False, nearest, False, False, 0, 0, None)
            nearest = above
    free, files = _free(nearest)
    writable = os.access(nearest, os.W_OK | os.X_OK)
    is_folder = stat.S_ISDIR(found.st_mode)
    # On Windows access lists decide, and each folder has the mode 777.
    mode = 0o700 if sys.platform == "win32" else stat.S_IMODE(found.st_mode)
    return Folder(path, nearest == path, nearest, is_folder, writable, found.st_uid, mode, free, files)


def _free(folder: str) -> tuple[int | None, int | None]:
    """Bytes and files that there is room for."""
    try:
        if hasattr(os, "statvfs"):
            disk = os.statvfs(folder)
            return disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None
        import shutil

        return shutil.disk_usage(folder).free, None
    except OSError:
        return None, None
