"""FunctionTableStream <-> `FunctionTable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import FunctionTable

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
