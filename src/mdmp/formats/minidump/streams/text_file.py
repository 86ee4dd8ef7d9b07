"""System files kept as they were: the /proc texts of Breakpad on Linux, Mozilla's limits and soft errors (JSON)."""

from mdmp.binary.window import Window
from mdmp.errors import IssueLog


def decode(stream: Window, file: Window, issues: IssueLog) -> bytes:
    return stream.tobytes()


def encode(text: bytes) -> bytes:
    return text
