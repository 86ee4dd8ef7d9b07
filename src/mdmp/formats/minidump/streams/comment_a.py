"""CommentStreamA (10): a text in the code page of the writer; ASCII and UTF-8 are sure."""

from mdmp.binary.window import Window
from mdmp.errors import IssueLog


def decode(stream: Window, file: Window, issues: IssueLog) -> str:
    return stream.tobytes().decode("utf-8", "replace").rstrip("\0")
