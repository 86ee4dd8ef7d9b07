"""The facts of this Windows system."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

assert sys.platform == "win32"

from mdmp.capture.windows import win32  # noqa: E402
from mdmp.monitor.doctor.windows_facts import facts_of  # noqa: E402
from mdmp.monitor.policy.windows_registry import open_registry  # noqa: E402

if TYPE_CHECKING:
    from mdmp.monitor.doctor.windows_facts import WindowsFacts


def gather_windows() -> WindowsFacts:
    return facts_of(
        open_registry(),
        debug_privilege=win32.may_debug(),
        snapshots=win32.has_call("kernel32", "PssCaptureSnapshot"),
        dbghelp=win32.has_call("dbghelp", "MiniDumpWriteDump"),
        other_width=sys.maxsize < 1 << 32 and "PROCESSOR_ARCHITEW6432" in os.environ,
    )


def has_debugger(pid: int) -> bool:
    return win32.has_debugger(pid)
