"""Exception streams <-> `ExceptionRecord`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.dumpfile.context import Contexts
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import ExceptionRecord

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.exception import MINIDUMP_EXCEPTION_STREAM


def load_exceptions(dump: Minidump, contexts: Contexts) -> tuple[ExceptionRecord, ...]:
    """All of them, in the order of the directory: LLDB writes one for each thread that had stopped."""
    found = []
    streams: tuple[MINIDUMP_EXCEPTION_STREAM, ...] = dump.streams(table.EXCEPTION)
    for stream in streams:
        record = stream.ExceptionRecord
        found.append(
            ExceptionRecord(
                tid=stream.ThreadId,
                code=record.ExceptionCode,
                flags=record.ExceptionFlags,
                address=record.ExceptionAddress,
                parameters=record.ExceptionInformation[: record.NumberParameters],
                context=contexts.load(stream.ThreadContext, "ExceptionStream.ThreadContext"),
                nested=record.ExceptionRecord,
            )
        )
    return tuple(found)
