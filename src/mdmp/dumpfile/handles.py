"""HandleData <-> `Handle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Handle

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.handle_data import HandleEntry


def load_handles(dump: Minidump) -> tuple[Handle, ...] | None:
    entries: tuple[HandleEntry, ...] | None = dump.stream(table.HANDLE_DATA)
    if entries is None:
        return None
    return tuple(
        Handle(
            value=entry.record.Handle,
            type_name=entry.type_name,
            object_name=entry.object_name or None,
            attributes=entry.record.Attributes,
            granted_access=entry.record.GrantedAccess,
            handle_count=entry.record.HandleCount,
            pointer_count=entry.record.PointerCount,
        )
        for entry in entries
    )
