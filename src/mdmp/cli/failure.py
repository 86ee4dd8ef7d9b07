"""What the user reads, and which exit code comes out, when a command ends by an exception."""

import os
import sys

from mdmp.errors import MdmpError
from mdmp.monitor.interpreter import package_root

UNUSABLE = 2
BUG = 70


def describe(error: Exception) -> tuple[str, int]:
    """One line for the user, and the exit code. `MDMP_TRACEBACK=1` raises a bug of ours again instead."""
    if isinstance(error, MdmpError):
        return str(error), UNUSABLE
    if isinstance(error, MemoryError):
        return "out of memory", UNUSABLE
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}", UNUSABLE
    if os.environ.get("MDMP_TRACEBACK"):
        raise error
    return f"internal error, please report it: {type(error).__name__}: {error}{_place(error)}", BUG


def complain(message: str) -> None:
    """The message as one line on standard error."""
    line = " ".join(message.split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    print(f"mdmp: {line}", file=sys.stderr)


def _place(error: BaseException) -> str:
    """The innermost place in our own code."""
    package = os.path.join(package_root(), "mdmp", "")
    trace, place = error.__traceback__, ""
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(package):
            place = f" at {os.path.basename(code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{place} (MDMP_TRACEBACK=1 shows all)"
