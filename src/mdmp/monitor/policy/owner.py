"""Whether a file is the administrators' word, and nobody else's."""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

ADMINISTRATORS: Final = frozenset(
    {
        "S-1-5-18",
        "S-1-5-32-544",
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
    }
)
"""The system, its administrators, and its installer, as owners of files (Windows)."""


def check_administrators(path: str) -> None:
    """`ValueError`, in words, when others than administrators and we ourselves could have written a file.

    On Windows everybody may make folders in `%ProgramData%`, so that a file there means nothing by its place.
    """
    if sys.platform == "win32":
        from mdmp.monitor.policy.windows_owner import own_sid, owner_of

        owner = owner_of(path)
        if owner not in ADMINISTRATORS and owner != own_sid():
            raise ValueError(f"it belongs to {owner}, not to the administrators")
    else:
        found = os.stat(path)
        # In a container root may be seen by another number.
        if found.st_uid not in (0, os.geteuid(), os.stat("/").st_uid):
            raise ValueError(f"it belongs to user {found.st_uid}, not to root")
        if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != 0):
            raise ValueError("others than root may change it")
