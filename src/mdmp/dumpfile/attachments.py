"""Streams that nothing else interprets <-> `Attachment`."""

from collections.abc import Callable

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Attachment

_BYTES_ONLY = {table.TOKEN, table.HANDLE_OPERATION_LIST, table.LINUX_AUXV, table.LINUX_DSO_DEBUG}
"""Decoded in wire terms, but a snapshot has no word for what they hold."""


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
