"""AssertionInfoStream (0x47670002): a failed assertion, invalid parameter or pure virtual call."""

from typing import Annotated, NamedTuple

from mdmp.binary.record import Bytes, Record, u32
from mdmp.binary.window import Window
from mdmp.errors import IssueLog
from mdmp.formats.minidump.text import fixed_wide, pack_fixed_wide


class MINIDUMP_ASSERTION_INFO(Record, size=776):
    Expression: Annotated[bytes, Bytes(256)]
    Function: Annotated[bytes, Bytes(256)]
    File: Annotated[bytes, Bytes(256)]
    Line: u32
    Type: u32
    """1 invalid parameter, 2 pure virtual call, 0 not known."""


class AssertionInfo(NamedTuple):
    record: MINIDUMP_ASSERTION_INFO
    expression: str
    function: str
    file: str


def decode(stream: Window, file: Window, issues: IssueLog) -> AssertionInfo:
    record = MINIDUMP_ASSERTION_INFO.read(stream)
    return AssertionInfo(record, fixed_wide(record.Expression), fixed_wide(record.Function), fixed_wide(record.File))


def encode(expression: str, function: str, file: str, line: int, kind: int) -> bytes:
    """Texts are cut at 127 characters."""
    return MINIDUMP_ASSERTION_INFO.new(
        Expression=pack_fixed_wide(expression, 256),
        Function=pack_fixed_wide(function, 256),
        File=pack_fixed_wide(file, 256),
        Line=line,
        Type=kind,
    ).pack()
