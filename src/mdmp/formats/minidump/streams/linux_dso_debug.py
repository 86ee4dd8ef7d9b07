"""LinuxDsoDebug (0x4767000A): the dynamic linker's own list of loaded libraries."""

from collections.abc import Sequence
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.lists import entries
from mdmp.formats.minidump.text import Texts
from mdmp.formats.minidump.writer import Layout, Piece


class MDRawDebug32(Record, size=24):
    version: u32
    map: u32
    dso_count: u32
    brk: u32
    ldbase: u32
    dynamic: u32


class MDRawDebug64(Record, size=40):
    """Aligned as a C compiler does for 64-bit systems, unlike the rest of a minidump."""

    version: u32
    map: u32
    """RVA of the link maps."""
    dso_count: u32
    alignment: u32
    brk: u64
    ldbase: u64
    dynamic: u64


class MDRawLinkMap32(Record, size=12):
    addr: u32
    name: u32
    ld: u32


class MDRawLinkMap64(Record, size=24):
    addr: u64
    name: u32
    alignment: u32
    ld: u64


class LinkMapEntry(NamedTuple):
    record: MDRawLinkMap32 | MDRawLinkMap64
    name: str | None


class DsoDebug(NamedTuple):
    record: MDRawDebug32 | MDRawDebug64
    libraries: tuple[LinkMapEntry, ...]
    dynamic: bytes
    """The program's dynamic section, as it was in memory."""


def decode(stream: Window, file: Window, issues: IssueLog) -> DsoDebug:
    """The width of pointers is told by the first name: Breakpad writes the names right behind the link maps."""
    record: MDRawDebug32 | MDRawDebug64 = MDRawDebug32.read(stream)
    kind: type[MDRawLinkMap32] | type[MDRawLinkMap64] = MDRawLinkMap32
    if not record.dso_count or file.u32(record.map + 4, "map") != record.map + record.dso_count * kind.SIZE:
        record, kind = MDRawDebug64.read(stream), MDRawLinkMap64
    if record.map > len(file):
        raise FormatError(f"{stream.name}.map", f"expected < {len(file):#x}; found {record.map:#x}", stream.start)
    links: Sequence[MDRawLinkMap32 | MDRawLinkMap64] = entries(
        kind, file, record.map, min(record.dso_count, 1 << 16), kind.SIZE, issues, f"{stream.name}.map"
    )
    texts = Texts(file)
    libraries = tuple(
        LinkMapEntry(link, texts.optional_wide(link.name, issues, stream.name, "map", index, "name"))
        for index, link in enumerate(links)
    )
    return DsoDebug(record, libraries, stream.read(record.SIZE, len(stream) - record.SIZE))


def encode(
    layout: Layout, word: int, header: tuple[int, int, int, int], links: Sequence[tuple[int, str, int]], dynamic: bytes
) -> bytes:
    """`header`: version, brk, ldbase, dynamic; `links`: addr, name, ld; `word`: bytes of a pointer of the process.

    The names come right behind the link maps, which is how readers tell 32 from 64 bits.
    """
    kind = MDRawLinkMap64 if word == 8 else MDRawLinkMap32
    mask = (1 << 8 * word) - 1
    texts = [name.encode("utf-16-le", "replace") for _, name, _ in links]
    rva = layout.reserve(len(links) * kind.SIZE + sum(len(text) + 6 for text in texts))
    at, maps, names = rva + len(links) * kind.SIZE, b"", b""
    for (addr, _, ld), text in zip(links, texts, strict=True):
        maps += kind.new(addr=addr & mask, name=at + len(names), ld=ld & mask).pack()
        names += len(text).to_bytes(4, "little") + text + b"\0\0"
    layout.pieces.append(Piece(rva, len(maps) + len(names), lambda: maps + names))
    version, brk, ldbase, address = header
    record = (MDRawDebug64 if word == 8 else MDRawDebug32).new(
        version=version, map=rva, dso_count=len(links), brk=brk & mask, ldbase=ldbase & mask, dynamic=address & mask
    )
    return record.pack() + dynamic
