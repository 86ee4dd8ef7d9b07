"""The records of ELF, 32 and 64 bit, little-endian. Source: the System V gABI, chapters 4 and 5."""

from typing import Annotated

from mdmp.binary.record import Bytes, Record, u16, u32, u64


class Elf64_Ehdr(Record, size=64):
    e_ident: Annotated[bytes, Bytes(16)]
    e_type: u16
    e_machine: u16
    e_version: u32
    e_entry: u64
    e_phoff: u64
    e_shoff: u64
    e_flags: u32
    e_ehsize: u16
    e_phentsize: u16
    e_phnum: u16
    e_shentsize: u16
    e_shnum: u16
    e_shstrndx: u16


class Elf32_Ehdr(Record, size=52):
    e_ident: Annotated[bytes, Bytes(16)]
    e_type: u16
    e_machine: u16
    e_version: u32
    e_entry: u32
    e_phoff: u32
    e_shoff: u32
    e_flags: u32
    e_ehsize: u16
    e_phentsize: u16
    e_phnum: u16
    e_shentsize: u16
    e_shnum: u16
    e_shstrndx: u16


class Elf64_Shdr(Record, size=64):
    sh_name: u32
    sh_type: u32
    sh_flags: u64
    sh_addr: u64
    sh_offset: u64
    sh_size: u64
    sh_link: u32
    sh_info: u32
    sh_addralign: u64
    sh_entsize: u64


class Elf32_Shdr(Record, size=40):
    sh_name: u32
    sh_type: u32
    sh_flags: u32
    sh_addr: u32
    sh_offset: u32
    sh_size: u32
    sh_link: u32
    sh_info: u32
    sh_addralign: u32
    sh_entsize: u32


class Elf64_Phdr(Record, size=56):
    p_type: u32
    p_flags: u32
    p_offset: u64
    p_vaddr: u64
    p_paddr: u64
    p_filesz: u64
    p_memsz: u64
    p_align: u64


class Elf32_Phdr(Record, size=32):
    p_type: u32
    p_offset: u32
    p_vaddr: u32
    p_paddr: u32
    p_filesz: u32
    p_memsz: u32
    p_flags: u32
    p_align: u32


class Elf64_Chdr(Record, size=24):
    ch_type: u32
    ch_reserved: u32
    ch_size: u64
    ch_addralign: u64


class Elf32_Chdr(Record, size=12):
    ch_type: u32
    ch_size: u32
    ch_addralign: u32


class Elf_Nhdr(Record, size=12):
    n_namesz: u32
    n_descsz: u32
    n_type: u32


ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_GNU_EH_FRAME, PT_GNU_RELRO = 1, 2, 4, 0x6474E550, 0x6474E552
PF_X, PF_W = 1, 2
SHT_SYMTAB, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 2, 7, 8, 11
SHF_ALLOC, SHF_EXECINSTR, SHF_COMPRESSED = 0x2, 0x4, 0x800
SHN_UNDEF, SHN_LORESERVE, SHN_XINDEX, PN_XNUM = 0, 0xFF00, 0xFFFF, 0xFFFF
ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2
NT_GNU_BUILD_ID = 3
STT_NOTYPE, STT_FUNC, STT_GNU_IFUNC = 0, 2, 10
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SONAME, DT_GNU_HASH = 4, 5, 6, 10, 14, 0x6FFFFEF5

EM = {3: "x86", 40: "arm", 62: "amd64", 183: "arm64"}
"""e_machine to the CPU names of `mdmp.arch`."""
EM_OTHERS = {
    2: "sparc",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390",
    43: "sparc64",
    50: "ia64",
    243: "riscv",
    258: "loongarch",
}
"""Others by name only."""
