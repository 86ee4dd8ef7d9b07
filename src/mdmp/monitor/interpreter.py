"""The Python that runs us."""

import sys


def interpreter() -> str:
    """The path of its executable; empty where it has none.

    In a virtual environment on Windows, `sys.executable` only starts the real one as a child: a debugger sees nothing
    of that.
    """
    found = getattr(sys, "_base_executable", None) if sys.platform == "win32" else None
    return str(found or sys.executable or "")
