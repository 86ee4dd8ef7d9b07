"""Entries in the Application log."""

from __future__ import annotations

import sys
import winreg
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.capture.windows import win32

if TYPE_CHECKING:
    from collections.abc import Mapping

assert sys.platform == "win32"

SOURCE = "mdmp"
EVENT_ID = 1
MAX_TEXT = 31000
"""Characters of one text; the system takes up to 31839."""
KEY = rf"SYSTEM\CurrentControlSet\Services\EventLog\Application\{SOURCE}"
MESSAGE_FILE = r"%SystemRoot%\System32\EventCreate.exe"
"""Comes with Windows; its messages 1 to 1000 are nothing but the first text of the event."""


def report_event(message: str, facts: Mapping[str, str | int], severity: int) -> None:
    """One event: the message as its first text, then `name=value` in a text each. `severity`: that of syslog."""
    kind = win32.EVENTLOG_ERROR_TYPE if severity <= 3 else win32.EVENTLOG_WARNING_TYPE
    kind = win32.EVENTLOG_INFORMATION_TYPE if severity > 4 else kind
    texts = [message, *(f"{name}={value}" for name, value in facts.items())]
    strings = (win32.TEXT * len(texts))(*(text.replace("\0", "")[:MAX_TEXT] for text in texts))
    log = win32.RegisterEventSourceW(None, SOURCE)
    try:
        win32.ReportEventW(log, kind, 0, EVENT_ID, None, len(texts), 0, strings, None)
    finally:
        win32.DeregisterEventSource(log)


def register_source() -> None:
    """Has the Event Viewer show our messages as they are; without it, it adds that it knows no description. `OSError`
    (access denied) without the rights of an administrator."""
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, KEY) as key:
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_EXPAND_SZ, MESSAGE_FILE)
        kinds = win32.EVENTLOG_ERROR_TYPE | win32.EVENTLOG_WARNING_TYPE | win32.EVENTLOG_INFORMATION_TYPE
        winreg.SetValueEx(key, "TypesSupported", 0, winreg.REG_DWORD, kinds)


def unregister_source() -> None:
    with suppress(FileNotFoundError):
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, KEY)
