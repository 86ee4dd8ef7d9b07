"""The two shapes of lists in streams, read as far as the stream holds them."""

from typing import TypeVar

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

MAX_ENTRIES = 1 << 20
"""No process has more threads, modules or regions; a file that says so must not fill our memory."""

R = TypeVar("R", bound=Record)


class SizedListHeader(Record, size=12):
    """What MINIDUMP_THREAD_INFO_LIST and its like begin with."""

    SizeOfHeader: u32
    SizeOfEntry: u32
    NumberOfEntries: u32


class SizedListHeader64(Record, size=16):
    """The same with a 64-bit count: MINIDUMP_MEMORY_INFO_LIST."""

    SizeOfHeader: u32
    SizeOfEntry: u32
    NumberOfEntries: u64


def counted(kind: type[R], stream: Window, issues: IssueLog, field: str) -> tuple[R, ...]:
    """A u32 count, four bytes of padding with some writers, then packed entries."""
    count = stream.u32(0, "count")
    start = 8 if count and len(stream) == 8 + count * kind.SIZE else 4
    return entries(kind, stream, start, count, kind.SIZE, issues, field)


def sized(
    kind: type[R],
    stream: Window,
    issues: IssueLog,
    field: str,
    header: type[SizedListHeader] | type[SizedListHeader64] = SizedListHeader,
) -> tuple[R, ...]:
    """A header that tells its own size and that of an entry: newer writers make both longer."""
    head = header.read(stream)
    if head.SizeOfHeader < head.SIZE or head.SizeOfHeader > len(stream):
        problem = f"expected {head.SIZE} to {len(stream)}; found {head.SizeOfHeader}"
        raise FormatError(f"{stream.name}.SizeOfHeader", problem, stream.start)
    return entries(kind, stream, head.SizeOfHeader, head.NumberOfEntries, head.SizeOfEntry, issues, field)


def entries(
    kind: type[R], stream: Window, start: int, count: int, stride: int, issues: IssueLog, field: str
) -> tuple[R, ...]:
    """`count` entries, or as many as fit; the missing ones are one issue."""
    if count and stride < kind.SIZE:
        problem = f"expected entries of at least {kind.SIZE} bytes; found {stride}"
        raise FormatError(f"{stream.name}.SizeOfEntry", problem, stream.start)
    room = (len(stream) - start - kind.SIZE) // stride + 1 if len(stream) >= start + kind.SIZE and stride else 0
    fits = min(count, room, MAX_ENTRIES)
    if fits < count:
        problem = f"expected {count} entries; found room for {fits}"
        issues.add(f"{stream.name}.{field}", problem, stream.start)
    return tuple(kind.read_many(stream, start, fits, stride))
