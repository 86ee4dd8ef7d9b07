"""Where a snapshot comes from, and what of it nobody understood."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Origin:
    kind: str
    """`minidump`, `core`, `microdump` or `live`."""
    path: str | None = None
    size: int | None = None
    """Bytes of the file."""
    time: datetime | None = None
    """When the moment was captured."""
    flags: int | None = None
    """MINIDUMP_TYPE bits: what the writer meant to keep."""
    writer: str | None = None
    """Who wrote it, as far as its traits tell."""
    writer_evidence: str | None = None
    method: str | None = None
    """Live: how the process was read, in words."""
    held: timedelta | None = None
    """Live: how long all of its threads stood still; None when they do as long as the snapshot is in use."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stream that mdmp does not interpret, kept as it is."""

    stream_type: int
    name: str
    size: int
    read: Callable[[], bytes]
    """The bytes; `FormatError` when the file does not hold them."""
