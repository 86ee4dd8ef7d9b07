"""MozMacosBootargsStream (0x4D7A0002): the kernel's boot arguments."""

from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.text import Texts
from mdmp.formats.minidump.writer import Layout


class MINIDUMP_MAC_BOOTARGS(Record, size=12):
    StreamType: u32
    Bootargs: u64
    """RVA of a MINIDUMP_STRING."""


class MacBootArgs(NamedTuple):
    record: MINIDUMP_MAC_BOOTARGS
    text: str | None


def decode(stream: Window, file: Window, issues: IssueLog) -> MacBootArgs:
    record = MINIDUMP_MAC_BOOTARGS.read(stream)
    return MacBootArgs(record, Texts(file).optional_wide(record.Bootargs, issues, stream.name, "Bootargs"))


def encode(layout: Layout, text: str) -> bytes:
    return MINIDUMP_MAC_BOOTARGS.new(StreamType=0x4D7A0002, Bootargs=layout.wide(text)).pack()
