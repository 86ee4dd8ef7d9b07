"""MozMacosCrashInfoStream (0x4D7A0001): what system libraries wrote to their __crash_info section before dying."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from mdmp.binary.record import Array, Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.writer import Layout

MAX_STRING = 8192


class MINIDUMP_MAC_CRASH_INFO(Record, size=172):
    StreamType: u32
    RecordCount: u32
    RecordStartSize: u32
    """Bytes of a record before its strings."""
    Records: Annotated[tuple[MINIDUMP_LOCATION_DESCRIPTOR, ...], Array(MINIDUMP_LOCATION_DESCRIPTOR, 20)]


class MINIDUMP_MAC_CRASH_INFO_RECORD_5(Record, size=40):
    """Version 4 ends before AbortCause, version 1 before Thread."""

    StreamType: u64
    Version: u64
    Thread: u64
    DialogMode: u64
    AbortCause: u64


STRINGS = ("module_path", "message", "signature_string", "backtrace", "message2")


class MacCrashInfo(NamedTuple):
    record: MINIDUMP_MAC_CRASH_INFO_RECORD_5
    strings: dict[str, str]
    """By the names in STRINGS, those that are not empty."""


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[MacCrashInfo, ...]:
    head = MINIDUMP_MAC_CRASH_INFO.read(stream)
    found = []
    for index, location in enumerate(head.Records[: min(head.RecordCount, 20)]):
        try:
            window = file.sub(location.Rva, location.DataSize, f"{stream.name}.Records[{index}]")
            found.append(_record(window, head.RecordStartSize))
        except FormatError as error:
            issues.survive(error)
    return tuple(found)


def _record(window: Window, fixed: int) -> MacCrashInfo:
    kind = MINIDUMP_MAC_CRASH_INFO_RECORD_5
    raw = window.read(0, min(fixed, kind.SIZE)).ljust(kind.SIZE, b"\0")
    record, strings, at = kind(kind.STRUCT.unpack(raw)), {}, fixed
    if record.Version >= 4:
        for name in STRINGS:
            text = window.cstring(at, MAX_STRING, name)
            at += len(text) + 1
            if text:
                strings[name] = text.decode("utf-8", "replace")
            if at >= len(window):
                break
    return MacCrashInfo(record, strings)


def encode(layout: Layout, infos: Sequence[MacCrashInfo]) -> bytes:
    """The first 20 records; more do not fit the stream."""
    locations = []
    for info in infos[:20]:
        texts = (info.strings.get(name, "").encode("utf-8", "replace")[: MAX_STRING - 1] + b"\0" for name in STRINGS)
        locations.append(layout.place(info.record.pack() + b"".join(texts)))
    spare = [MINIDUMP_LOCATION_DESCRIPTOR((0, 0))] * (20 - len(locations))
    return MINIDUMP_MAC_CRASH_INFO.new(
        StreamType=0x4D7A0001,
        RecordCount=len(locations),
        RecordStartSize=MINIDUMP_MAC_CRASH_INFO_RECORD_5.SIZE,
        Records=(*locations, *spare),
    ).pack()
