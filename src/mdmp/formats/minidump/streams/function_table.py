"""FunctionTableStream (13): unwind tables of code made at run time (JIT), which no module holds."""

from collections.abc import Iterable
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

MAX_TABLES = 1 << 16


class MINIDUMP_FUNCTION_TABLE_STREAM(Record, size=24):
    SizeOfHeader: u32
    SizeOfDescriptor: u32
    SizeOfNativeDescriptor: u32
    SizeOfFunctionEntry: u32
    NumberOfDescriptors: u32
    SizeOfAlignPad: u32


class MINIDUMP_FUNCTION_TABLE_DESCRIPTOR(Record, size=32):
    """Followed by the system's own descriptor, the entries, and the padding."""

    MinimumAddress: u64
    MaximumAddress: u64
    BaseAddress: u64
    EntryCount: u32
    SizeOfAlignPad: u32


class FunctionTableEntry(NamedTuple):
    record: MINIDUMP_FUNCTION_TABLE_DESCRIPTOR
    native: bytes
    """The system's DYNAMIC_FUNCTION_TABLE as it was in memory."""
    entries: bytes
    """EntryCount entries of SizeOfFunctionEntry bytes (x64: RUNTIME_FUNCTION, offsets from BaseAddress)."""


class FunctionTables(NamedTuple):
    header: MINIDUMP_FUNCTION_TABLE_STREAM
    tables: tuple[FunctionTableEntry, ...]


def decode(stream: Window, file: Window, issues: IssueLog) -> FunctionTables:
    header = MINIDUMP_FUNCTION_TABLE_STREAM.read(stream)
    kind = MINIDUMP_FUNCTION_TABLE_DESCRIPTOR
    if header.SizeOfHeader < header.SIZE or header.SizeOfDescriptor < kind.SIZE:
        problem = f"expected sizes of at least {header.SIZE} and {kind.SIZE}; found {header.SizeOfHeader} and "
        raise FormatError(f"{stream.name}.SizeOfHeader", f"{problem}{header.SizeOfDescriptor}", stream.start)
    tables: list[FunctionTableEntry] = []
    at = header.SizeOfHeader + header.SizeOfAlignPad
    try:
        for index in range(min(header.NumberOfDescriptors, MAX_TABLES)):
            place = f"Descriptors[{index}]"
            record = kind.read(stream, at, place)
            at += header.SizeOfDescriptor
            native = stream.read(at, header.SizeOfNativeDescriptor, place)
            at += header.SizeOfNativeDescriptor
            size = record.EntryCount * header.SizeOfFunctionEntry
            tables.append(FunctionTableEntry(record, native, stream.read(at, size, place)))
            at += size + record.SizeOfAlignPad
    except FormatError as error:
        issues.survive(error)
    return FunctionTables(header, tuple(tables))


def encode(records: Iterable[tuple[MINIDUMP_FUNCTION_TABLE_DESCRIPTOR, bytes]], entry_size: int) -> bytes:
    """(descriptor, entries): all entries are of one size. The system's own descriptors are left out."""
    raw = [record.pack() + entries for record, entries in records]
    head = MINIDUMP_FUNCTION_TABLE_STREAM.new(
        SizeOfHeader=MINIDUMP_FUNCTION_TABLE_STREAM.SIZE,
        SizeOfDescriptor=MINIDUMP_FUNCTION_TABLE_DESCRIPTOR.SIZE,
        SizeOfFunctionEntry=entry_size,
        NumberOfDescriptors=len(raw),
    )
    return head.pack() + b"".join(raw)
