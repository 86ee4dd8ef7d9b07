"""The ELF header, the section table and the program headers, of a file or of an image in memory."""

from typing import Any, NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.elf import structs as wire


class Section(NamedTuple):
    name: str
    type: int
    flags: int
    address: int
    """As linked; 0 for a section that is not loaded."""
    offset: int
    """In the file."""
    size: int
    """In bytes; of a NOBITS section the file holds none."""
    link: int
    """Number of the section that belongs to it: the strings of a symbol table."""


class Segment(NamedTuple):
    type: int
    flags: int
    offset: int
    """In the file."""
    address: int
    """As linked."""
    file_size: int
    memory_size: int
    align: int


class Header(NamedTuple):
    bits: int
    """32 or 64."""
    type: int
    """ET_*."""
    machine: str
    """The CPU's name as in `mdmp.arch`; that of another CPU, or `machine N`."""
    entry: int
    raw: wire.Elf64_Ehdr | wire.Elf32_Ehdr

    @property
    def address_size(self) -> int:
        return self.bits // 8


def is_elf(window: Window) -> bool:
    return window.size >= 4 and window.read(0, 4) == b"\x7fELF"


def read_header(window: Window) -> Header:
    """`FormatError` when this is no ELF, or one that is not read: big-endian."""
    ident = window.read(0, 16, "e_ident")
    if ident[:4] != b"\x7fELF":
        raise FormatError(f"{window.name}.e_ident", f"expected 7f 45 4c 46 (ELF); found {ident[:4].hex(' ')}", 0)
    if ident[5] == 2:
        raise FormatError(f"{window.name}.e_ident", "this ELF is big-endian; only little-endian ones are read", 5)
    if ident[4] not in (1, 2) or ident[5] != 1:
        raise FormatError(f"{window.name}.e_ident", f"class {ident[4]} and byte order {ident[5]} are not defined", 4)
    kind = wire.Elf64_Ehdr if ident[4] == 2 else wire.Elf32_Ehdr
    raw = kind.read(window)
    number = raw.e_machine
    machine = wire.EM.get(number) or wire.EM_OTHERS.get(number) or f"machine {number}"
    if machine == "amd64" and ident[4] == 1:
        machine = "x32"
    return Header(32 * ident[4], raw.e_type, machine, raw.e_entry, raw)


def segments(table: Window, header: Header, offset: int, count: int) -> tuple[Segment, ...]:
    """The program headers at `offset` of `table`."""
    kind = wire.Elf64_Phdr if header.bits == 64 else wire.Elf32_Phdr
    stride = _stride(header.raw.e_phentsize, kind.SIZE, "e_phentsize")
    return tuple(
        Segment(p.p_type, p.p_flags, p.p_offset, p.p_vaddr, p.p_filesz, p.p_memsz, p.p_align)
        for p in kind.read_many(table, offset, count, stride, "program headers")
    )


def sections(window: Window, header: Header) -> tuple[tuple[Section, ...], int]:
    """(the section table of a file, the real number of program headers); empty when it was stripped."""
    raw = header.raw
    if not raw.e_shoff:
        return (), raw.e_phnum
    kind = wire.Elf64_Shdr if header.bits == 64 else wire.Elf32_Shdr
    stride = _stride(raw.e_shentsize, kind.SIZE, "e_shentsize")
    first: Any = kind.read(window, raw.e_shoff, "section header 0")
    # Numbers that do not fit into the header are in section 0.
    count = raw.e_shnum or first.sh_size
    strings_at = first.sh_link if raw.e_shstrndx == wire.SHN_XINDEX else raw.e_shstrndx
    programs = first.sh_info if raw.e_phnum == wire.PN_XNUM else raw.e_phnum
    rows: list[Any] = list(kind.read_many(window, raw.e_shoff, count, stride, "section headers"))
    names = Window(b"", "no names")
    if 0 < strings_at < len(rows):
        names = window.sub(rows[strings_at].sh_offset, rows[strings_at].sh_size, "shstrtab")
    found = tuple(
        Section(
            names.cstring(row.sh_name, 256).decode("utf-8", "replace") if row.sh_name < names.size else "",
            row.sh_type,
            row.sh_flags,
            row.sh_addr,
            row.sh_offset,
            row.sh_size,
            row.sh_link,
        )
        for row in rows
    )
    return found, programs


def _stride(stated: int, size: int, field: str) -> int:
    if stated < size:
        raise FormatError(f"ELF header.{field}", f"expected at least {size}; found {stated}")
    return stated
