"""CommentStreamA (10): a text in the code page of the writer; ASCII and UTF-8 are sure."""

from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.text import MAX_COMMENT


def decode(stream: Window, file: Window, issues: IssueLog) -> str:
    return stream.read(0, min(len(stream), MAX_COMMENT)).decode("utf-8", "replace").rstrip("\0")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")[: MAX_COMMENT - 1] + b"\0"
