"""The records of Mach-O, 64-bit little-endian. Sources: Apple's <mach-o/loader.h>, <mach-o/nlist.h>, <mach-o/fat.h>,
<mach/machine.h> and <mach-o/compact_unwind_encoding.h>."""

from typing import Annotated

from mdmp.binary.record import Bytes, Record, u8, u16, u32, u64


class mach_header_64(Record, size=32):
    magic: u32
    cputype: u32
    cpusubtype: u32
    filetype: u32
    ncmds: u32
    sizeofcmds: u32
    flags: u32
    reserved: u32


class load_command(Record, size=8):
    cmd: u32
    cmdsize: u32


class segment_command_64(Record, size=72):
    cmd: u32
    cmdsize: u32
    segname: Annotated[bytes, Bytes(16)]
    vmaddr: u64
    vmsize: u64
    fileoff: u64
    filesize: u64
    maxprot: u32
    initprot: u32
    nsects: u32
    flags: u32


class section_64(Record, size=80):
    sectname: Annotated[bytes, Bytes(16)]
    segname: Annotated[bytes, Bytes(16)]
    addr: u64
    size: u64
    offset: u32
    align: u32
    reloff: u32
    nreloc: u32
    flags: u32
    reserved1: u32
    reserved2: u32
    reserved3: u32


class uuid_command(Record, size=24):
    cmd: u32
    cmdsize: u32
    uuid: Annotated[bytes, Bytes(16)]


class symtab_command(Record, size=24):
    cmd: u32
    cmdsize: u32
    symoff: u32
    nsyms: u32
    stroff: u32
    strsize: u32


class linkedit_data_command(Record, size=16):
    cmd: u32
    cmdsize: u32
    dataoff: u32
    datasize: u32


class build_version_command(Record, size=24):
    cmd: u32
    cmdsize: u32
    platform: u32
    minos: u32
    sdk: u32
    ntools: u32


class version_min_command(Record, size=16):
    cmd: u32
    cmdsize: u32
    version: u32
    sdk: u32


class dylib_command(Record, size=24):
    cmd: u32
    cmdsize: u32
    name: u32
    """Where the text is, from the start of the command."""
    timestamp: u32
    current_version: u32
    compatibility_version: u32


class nlist_64(Record, size=16):
    n_strx: u32
    n_type: u8
    n_sect: u8
    n_desc: u16
    n_value: u64


class unwind_info_section_header(Record, size=28):
    version: u32
    commonEncodingsArraySectionOffset: u32
    commonEncodingsArrayCount: u32
    personalityArraySectionOffset: u32
    personalityArrayCount: u32
    indexSectionOffset: u32
    indexCount: u32


class unwind_info_section_header_index_entry(Record, size=12):
    functionOffset: u32
    secondLevelPagesSectionOffset: u32
    lsdaIndexArraySectionOffset: u32


class unwind_info_regular_second_level_page_header(Record, size=8):
    kind: u32
    entryPageOffset: u16
    entryCount: u16


class unwind_info_compressed_second_level_page_header(Record, size=12):
    kind: u32
    entryPageOffset: u16
    entryCount: u16
    encodingsPageOffset: u16
    encodingsCount: u16


MH_MAGIC_64, MH_MAGIC, MH_CIGAM, MH_CIGAM_64 = 0xFEEDFACF, 0xFEEDFACE, 0xCEFAEDFE, 0xCFFAEDFE
FAT_MAGIC, FAT_MAGIC_64 = 0xCAFEBABE, 0xCAFEBABF
"""Of universal files, big-endian whatever is in them; Java classes start like the first one."""

MH_OBJECT = 1

LC_SYMTAB, LC_ID_DYLIB, LC_SEGMENT_64, LC_UUID = 0x2, 0xD, 0x19, 0x1B
LC_FUNCTION_STARTS, LC_BUILD_VERSION = 0x26, 0x32
LC_VERSION_MIN = {0x24: 1, 0x25: 2, 0x2F: 3, 0x30: 4}
"""LC_VERSION_MIN_MACOSX, _IPHONEOS, _TVOS, _WATCHOS: the number of their platform in LC_BUILD_VERSION."""

SECTION_TYPE, S_ZEROFILL = 0xFF, 0x1
S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS = 0x80000000, 0x400
VM_PROT_EXECUTE = 4

N_STAB, N_TYPE, N_SECT = 0xE0, 0x0E, 0x0E
N_WEAK_DEF = 0x80
N_EXT = 0x01

CPU = {0x01000007: "amd64", 0x0100000C: "arm64"}
"""cputype to the CPU names of `mdmp.arch`."""
CPU_OTHERS = {7: "x86", 12: "arm", 18: "ppc", 0x01000012: "ppc64", 0x0200000C: "arm64_32"}
"""Others by name only."""

PLATFORMS = {
    1: "macos",
    2: "ios",
    3: "tvos",
    4: "watchos",
    5: "bridgeos",
    6: "mac catalyst",
    7: "ios simulator",
    8: "tvos simulator",
    9: "watchos simulator",
    10: "driverkit",
    11: "visionos",
    12: "visionos simulator",
}

UNWIND_SECTION_VERSION, UNWIND_SECOND_LEVEL_REGULAR, UNWIND_SECOND_LEVEL_COMPRESSED = 1, 2, 3
UNWIND_MODE_MASK = 0x0F000000
UNWIND_DWARF_SECTION_OFFSET = 0x00FFFFFF
"""UNWIND_X86_64_DWARF_SECTION_OFFSET, and the same of arm64."""
UNWIND_X86_64_MODE_RBP_FRAME, UNWIND_X86_64_MODE_STACK_IMMD = 0x01000000, 0x02000000
UNWIND_X86_64_MODE_STACK_IND, UNWIND_X86_64_MODE_DWARF = 0x03000000, 0x04000000
UNWIND_ARM64_MODE_FRAMELESS, UNWIND_ARM64_MODE_DWARF, UNWIND_ARM64_MODE_FRAME = 0x02000000, 0x03000000, 0x04000000
