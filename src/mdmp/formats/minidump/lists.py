"""The two shapes of lists in streams, read as far as the stream holds them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

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


class RecordList(Sequence[R]):
    """Records in a row whose bounds are known to be right; each is unpacked when it is asked for."""

    def __init__(self, kind: type[R], window: Window, start: int, count: int, stride: int) -> None:
        self.kind = kind
        self.window = window
        self.start = window.check(start, (count - 1) * stride + kind.SIZE if count else 0)
        self.length = count
        self.stride = stride

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[R]:
        return map(self.kind, self.tuples())

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """The scalars of each record, in order, without the record around them: the quick way through long lists."""
        buffer, start, stride = self.window.buffer, self.start, self.stride
        if stride == self.kind.SIZE:
            return self.kind.STRUCT.iter_unpack(buffer[start : start + self.length * stride])
        unpack = self.kind.STRUCT.unpack_from
        return (unpack(buffer, at) for at in range(start, start + self.length * stride, stride))

    def tobytes(self) -> bytes:
        """The records as they lie in the file, what is between them included."""
        return bytes(self.window.buffer[self.start : self.start + self.length * self.stride])

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[R, ...]: ...

    def __getitem__(self, index: int | slice) -> R | tuple[R, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self.length)))
        if not -self.length <= index < self.length:
            raise IndexError(index)
        return self.kind(
            self.kind.STRUCT.unpack_from(self.window.buffer, self.start + index % self.length * self.stride)
        )


def counted(kind: type[R], stream: Window, issues: IssueLog, field: str) -> RecordList[R]:
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
) -> RecordList[R]:
    """A header that tells its own size and that of an entry: newer writers make both longer."""
    head = header.read(stream)
    if head.SizeOfHeader < head.SIZE or head.SizeOfHeader > len(stream):
        problem = f"expected {head.SIZE} to {len(stream)}; found {head.SizeOfHeader}"
        raise FormatError(f"{stream.name}.SizeOfHeader", problem, stream.start)
    return entries(kind, stream, head.SizeOfHeader, head.NumberOfEntries, head.SizeOfEntry, issues, field)


def entries(
    kind: type[R], stream: Window, start: int, count: int, stride: int, issues: IssueLog, field: str
) -> RecordList[R]:
    """`count` entries, or as many as fit; the missing ones are one issue."""
    if count and stride < kind.SIZE:
        problem = f"expected entries of at least {kind.SIZE} bytes; found {stride}"
        raise FormatError(f"{stream.name}.SizeOfEntry", problem, stream.start)
    room = (len(stream) - start - kind.SIZE) // stride + 1 if len(stream) >= start + kind.SIZE and stride else 0
    fits = min(count, room, MAX_ENTRIES)
    if fits < count:
        problem = f"expected {count} entries; found room for {fits}"
        issues.add(f"{stream.name}.{field}", problem, stream.start)
    return RecordList(kind, stream, start, fits, max(stride, kind.SIZE))


def pack_counted(records: Iterable[Record]) -> bytes:
    """A u32 count, then the entries."""
    raw = [record.pack() for record in records]
    return len(raw).to_bytes(4, "little") + b"".join(raw)


def pack_sized(
    kind: type[Record],
    records: Iterable[Record],
    header: type[SizedListHeader] | type[SizedListHeader64] = SizedListHeader,
) -> bytes:
    """A header that tells its own size and that of an entry, then the entries."""
    raw = [record.pack() for record in records]
    head = header.new(SizeOfHeader=header.SIZE, SizeOfEntry=kind.SIZE, NumberOfEntries=len(raw))
    return head.pack() + b"".join(raw)
