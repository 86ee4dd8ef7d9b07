"""`mdmp capture` of another user's process as an administrator: without SeDebugPrivilege neither the process nor its
threads can be opened. Run by Windows Python under Wine, which refuses nothing.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mdmp.capture.windows import permission, win32
from mdmp.cli.__main__ import main

held: list[str] = []


@contextmanager
def debug_privilege() -> Iterator[None]:
    held.append("SeDebugPrivilege")
    try:
        yield
    finally:
        held.pop()


def refusing(call: Any) -> Any:
    def answer(*arguments: Any) -> Any:
        if not held:
            raise ctypes.WinError(5)
        return call(*arguments)

    return answer


permission.debug_privilege = debug_privilege
for name in ("OpenProcess", "OpenThread", "NtGetNextThread", "OpenProcessToken"):
    setattr(win32, name, refusing(getattr(win32, name)))
status = main(["capture", *sys.argv[1:]])
assert not held, "the privilege is still there"
sys.exit(status)
