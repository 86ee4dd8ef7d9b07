"""Streams that nothing else interprets <-> `Attachment`."""

from collections.abc import Callable

from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import Attachment, Snapshot

_BYTES_ONLY = {table.TOKEN, table.HANDLE_OPERATION_LIST}
"""Decoded in wire terms, but a snapshot has no word for what they hold."""
MAX_BYTES = 1 << 28
"""Of all attachments together: in a hostile file all of them may be the same bytes."""


def load_attachments(dump: Minidump) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(entry.StreamType, table.stream_name(entry.StreamType), entry.Location.DataSize, _reader(dump, index))
        for index, entry in enumerate(dump.directory)
        if entry.Location.DataSize
        and entry.StreamType != table.UNUSED
        and (entry.StreamType in _BYTES_ONLY or not table.is_decoded(entry.StreamType))
    )


def _reader(dump: Minidump, index: int) -> Callable[[], bytes]:
    return lambda: dump.raw(index).tobytes()


def save_attachments(snapshot: Snapshot, out: Layout) -> tuple[str, ...]:
    """As they are; returns what could not be kept, in words. Each is read twice, so that one at a time is in memory."""
    lost, left = IssueLog(), MAX_BYTES
    for attachment in snapshot.attachments:
        try:
            size = len(attachment.read())
        except FormatError as error:
            lost.survive(error)
            continue
        left -= size
        if left < 0 or len(out.directory) == out.capacity:
            lost.add(attachment.name, "too many attachments, or too large ones")
        else:
            out.stream_later(attachment.stream_type, size, attachment.read)
    issues = lost.freeze()
    return (f"{len(issues)} streams are left out, the first is {issues[0]}",) if issues else ()
