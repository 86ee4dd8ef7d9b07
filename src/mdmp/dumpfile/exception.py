"""Exception streams <-> `ExceptionRecord`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.dumpfile.context import Contexts, save_context
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import ExceptionRecord, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mdmp.formats.minidump.streams.exception import MINIDUMP_EXCEPTION_STREAM


MAX_EXCEPTIONS = 2048
"""A directory has to hold other streams as well."""


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


def exceptions_lost(dump: Minidump) -> bool:
    """Whether one cannot be read, or the directory is cut off where one may have stood."""
    cut = len(dump.directory) < dump.header.NumberOfStreams and next(dump.entries(table.EXCEPTION), None) is None
    return cut or any(dump.decode(index) is None for index in dump.entries(table.EXCEPTION))


def save_exceptions(snapshot: Snapshot, contexts: Mapping[int, MINIDUMP_LOCATION_DESCRIPTOR], out: Layout) -> None:
    """A stream for each; most readers know the first only.

    `contexts`: where each thread's lies. An exception without registers gets those, or LLDB shows no frames.
    """
    from mdmp.formats.minidump.streams import exception as wire

    for exception in snapshot.exceptions[:MAX_EXCEPTIONS]:
        parameters = [value & (1 << 64) - 1 for value in exception.parameters[: wire.EXCEPTION_MAXIMUM_PARAMETERS]]
        spare = [0] * (wire.EXCEPTION_MAXIMUM_PARAMETERS - len(parameters))
        record = wire.MINIDUMP_EXCEPTION.new(
            ExceptionCode=exception.code & 0xFFFFFFFF,
            ExceptionFlags=exception.flags & 0xFFFFFFFF,
            ExceptionRecord=exception.nested & (1 << 64) - 1,
            ExceptionAddress=(exception.address or 0) & (1 << 64) - 1,
            NumberParameters=len(parameters),
            ExceptionInformation=(*parameters, *spare),
        )
        context = save_context(exception.context, snapshot.system.os == "windows", out)
        if exception.context is None and exception.tid is not None:
            context = contexts.get(exception.tid, context)
        stream = wire.MINIDUMP_EXCEPTION_STREAM.new(
            ThreadId=exception.tid or 0, ExceptionRecord=record, ThreadContext=context
        )
        out.stream(table.EXCEPTION, wire.encode(stream))
