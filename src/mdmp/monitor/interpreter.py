"""The Python that runs us, and where it finds us."""

import os
import sys


def interpreter() -> str:
    """The path of its executable; empty where it has none.

    In a virtual environment on Windows, `sys.executable` only starts the real one as a child: a debugger sees nothing
    of that.
    """
    found = getattr(sys, "_base_executable", None) if sys.platform == "win32" else None
    return str(found or sys.executable or "")


def package_root() -> str:
    """The folder that holds the package: what others start for us has to find it."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
