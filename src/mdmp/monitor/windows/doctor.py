"""The facts of this Windows system."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

from mdmp.errors import MdmpError
from mdmp.monitor.doctor.windows_facts import facts_of
from mdmp.monitor.install import status

assert sys.platform == "win32"

from mdmp.capture.windows import win32
from mdmp.capture.windows.declare import Call
from mdmp.capture.windows.permission import debug_privilege
from mdmp.monitor.policy.windows_registry import open_registry

if TYPE_CHECKING:
    from mdmp.monitor.doctor.windows_facts import WindowsFacts


def gather_windows() -> WindowsFacts:
    problems: tuple[str, ...] = ()
    try:
        problems = status().problems
    except (MdmpError, OSError) as problem:
        problems = (f"whether mdmp is installed cannot be found out: {problem}",)
    return facts_of(
        open_registry(),
        problems=problems,
        debug_privilege=_may_debug(),
        snapshots=_is_there(win32.PssCaptureSnapshot),
        dbghelp=_is_there(win32.MiniDumpWriteDump),
        other_width=sys.maxsize < 1 << 32 and "PROCESSOR_ARCHITEW6432" in os.environ,
    )


def _is_there(call: Call) -> bool:
    """A call that this system does not have is declared as a function of Python."""
    return hasattr(call, "argtypes")


def _may_debug() -> bool:
    try:
        with debug_privilege():
            return True
    except OSError:
        return False


def is_wine() -> bool:
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
