"""HandleData <-> `Handle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import Handle, Snapshot

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


def save_handles(snapshot: Snapshot, out: Layout) -> None:
    if snapshot.handles is None:
        return
    from mdmp.formats.minidump.streams import handle_data as wire

    records = [
        wire.MINIDUMP_HANDLE_DESCRIPTOR.new(
            Handle=handle.value & (1 << 64) - 1,
            TypeNameRva=0 if handle.type_name is None else out.wide(handle.type_name),
            ObjectNameRva=out.wide(handle.object_name) if handle.object_name else 0,
            Attributes=(handle.attributes or 0) & 0xFFFFFFFF,
            GrantedAccess=(handle.granted_access or 0) & 0xFFFFFFFF,
            HandleCount=min(handle.handle_count or 0, 0xFFFFFFFF),
            PointerCount=min(handle.pointer_count or 0, 0xFFFFFFFF),
        )
        for handle in snapshot.handles
    ]
    out.stream(table.HANDLE_DATA, wire.encode(records))
