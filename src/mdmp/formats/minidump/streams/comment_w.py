"""CommentStreamW (11): a text in UTF-16LE. ProcDump tells here how and why it wrote the dump."""

from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.text import MAX_COMMENT


def decode(stream: Window, file: Window, issues: IssueLog) -> str:
    return stream.read(0, min(len(stream), MAX_COMMENT)).decode("utf-16-le", "replace").rstrip("\0")


def encode(text: str) -> bytes:
    return text.encode("utf-16-le", "replace")[: MAX_COMMENT - 2] + b"\0\0"
