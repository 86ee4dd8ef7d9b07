"""All checks that make sense on this system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.doctor.common_checks import check_common
from mdmp.monitor.doctor.common_facts import gather_common
from mdmp.monitor.policy.load import load_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.monitor.doctor.check import Check


def examine(program: str) -> tuple[Check, ...]:
    """`program`: for whom the policy is asked. `UsageError` on systems that we cannot capture on."""
    policy = load_policy()
    if sys.platform == "linux":
        from mdmp.monitor.doctor.linux_checks import check_linux
        from mdmp.monitor.doctor.linux_facts import gather_linux, has_desktop

        checks = check_linux(gather_linux())
        return (*checks, *check_common(gather_common(program, policy, has_desktop())))
    elif sys.platform == "win32":
        from mdmp.monitor.doctor.windows_checks import check_windows
        from mdmp.monitor.doctor.windows_gather import gather_windows

        return (*check_windows(gather_windows()), *check_common(gather_common(program, policy, True)))
    else:
        raise UsageError(f"programs cannot be captured on {sys.platform}")


def system_folders() -> Sequence[str] | None:
    """Where the system's handler leaves dumps of ours; None: it is not mdmp, or does not work."""
    if sys.platform == "linux":
        import os

        from mdmp.monitor.finalize.folder import SYSTEM_FOLDER
        from mdmp.monitor.install import status

        return (f"{SYSTEM_FOLDER}/{os.geteuid()}",) if status().working else None
    else:
        return None
