"""A message to the user of a process."""

from __future__ import annotations

import ctypes
import sys

from mdmp.capture.windows import win32

assert sys.platform == "win32"

SECONDS = 30
"""After which the message goes away by itself."""


def send_message(pid: int, title: str, text: str) -> None:
    """A box on the desktop of the session that the process runs in; nobody waits for it. Services (session 0) have no
    desktop that anybody sees: nothing happens for them."""
    session, answer = win32.DWORD(), win32.DWORD()
    win32.ProcessIdToSessionId(pid, ctypes.byref(session))
    if session.value == 0:
        return
    title_size, text_size = (len(value.encode("utf-16-le")) for value in (title, text))
    win32.WTSSendMessageW(
        *(None, session.value, title, title_size, text, text_size, win32.MB_ICONWARNING, SECONDS),
        *(ctypes.byref(answer), False),
    )
