"""TokenStream (19): security tokens of the process and its threads. Their inner layout is not documented."""

from collections.abc import Iterable
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

MAX_TOKENS = 1 << 16


class MINIDUMP_TOKEN_INFO_LIST(Record, size=16):
    TokenListSize: u32
    TokenListEntries: u32
    ListHeaderSize: u32
    ElementHeaderSize: u32


class MINIDUMP_TOKEN_INFO_HEADER(Record, size=16):
    TokenSize: u32
    """Bytes of the element, this header included."""
    TokenId: u32
    """Process or thread id."""
    TokenHandle: u64


class TokenEntry(NamedTuple):
    record: MINIDUMP_TOKEN_INFO_HEADER
    data: bytes


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[TokenEntry, ...]:
    head = MINIDUMP_TOKEN_INFO_LIST.read(stream)
    at, tokens = head.ListHeaderSize, []
    try:
        for index in range(min(head.TokenListEntries, MAX_TOKENS)):
            place = f"Tokens[{index}]"
            record = MINIDUMP_TOKEN_INFO_HEADER.read(stream, at, place)
            if record.TokenSize < head.ElementHeaderSize or record.TokenSize < record.SIZE:
                problem = f"expected at least {record.SIZE}; found {record.TokenSize}"
                raise FormatError(f"{stream.name}.{place}.TokenSize", problem, stream.start + at)
            tokens.append(TokenEntry(record, stream.read(at + record.SIZE, record.TokenSize - record.SIZE, place)))
            at += record.TokenSize
    except FormatError as error:
        issues.survive(error)
    return tuple(tokens)


def encode(tokens: Iterable[tuple[MINIDUMP_TOKEN_INFO_HEADER, bytes]]) -> bytes:
    elements = []
    for record, data in tokens:
        size = record.SIZE + len(data)
        elements.append(
            record.new(TokenSize=size, TokenId=record.TokenId, TokenHandle=record.TokenHandle).pack() + data
        )
    body, head = b"".join(elements), MINIDUMP_TOKEN_INFO_LIST
    sizes = (head.SIZE + len(body), len(elements), head.SIZE, MINIDUMP_TOKEN_INFO_HEADER.SIZE)
    return head(sizes).pack() + body
