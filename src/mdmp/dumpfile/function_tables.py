"""FunctionTableStream <-> `FunctionTable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import FunctionTable, Snapshot

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.function_table import FunctionTables


def load_function_tables(dump: Minidump) -> tuple[FunctionTable, ...] | None:
    """In the order of the file; None when there is no such stream."""
    found: FunctionTables | None = dump.stream(table.FUNCTION_TABLE)
    if found is None:
        return None
    return tuple(
        FunctionTable(
            start=entry.record.MinimumAddress,
            end=entry.record.MaximumAddress,
            base=entry.record.BaseAddress,
            entries=entry.entries,
            entry_size=found.header.SizeOfFunctionEntry,
        )
        for entry in found.tables
    )


def save_function_tables(snapshot: Snapshot, out: Layout) -> None:
    """The stream has one size of entries for all tables: those that have the first one's."""
    if snapshot.function_tables is None:
        return
    from mdmp.formats.minidump.streams import function_table as wire

    size = next((found.entry_size for found in snapshot.function_tables), 0)
    tables = [found for found in snapshot.function_tables if found.entry_size == size and size]
    records = (
        (
            wire.MINIDUMP_FUNCTION_TABLE_DESCRIPTOR.new(
                MinimumAddress=found.start,
                MaximumAddress=found.end,
                BaseAddress=found.base,
                EntryCount=len(found.entries) // size,
            ),
            found.entries[: len(found.entries) // size * size],
        )
        for found in tables
    )
    out.stream(table.FUNCTION_TABLE, wire.encode(records, size))
