"""The structures of a PE image, with their names from Microsoft's PE format specification and winnt.h."""

from typing import Annotated

from mdmp.binary.record import Array, Bytes, Record, u8, u16, u32, u64

IMAGE_DOS_SIGNATURE = 0x5A4D
IMAGE_NT_SIGNATURE = 0x4550
IMAGE_NT_OPTIONAL_HDR32_MAGIC = 0x10B
IMAGE_NT_OPTIONAL_HDR64_MAGIC = 0x20B

IMAGE_FILE_MACHINE_I386 = 0x14C
IMAGE_FILE_MACHINE_ARMNT = 0x1C4
IMAGE_FILE_MACHINE_AMD64 = 0x8664
IMAGE_FILE_MACHINE_ARM64 = 0xAA64

IMAGE_DIRECTORY_ENTRY_EXPORT = 0
IMAGE_DIRECTORY_ENTRY_RESOURCE = 2
IMAGE_DIRECTORY_ENTRY_EXCEPTION = 3
IMAGE_DIRECTORY_ENTRY_DEBUG = 6
IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR = 14

IMAGE_SCN_MEM_EXECUTE = 0x20000000
IMAGE_SCN_MEM_READ = 0x40000000
IMAGE_SCN_MEM_WRITE = 0x80000000


class IMAGE_FILE_HEADER(Record, size=20):
    Machine: u16
    NumberOfSections: u16
    TimeDateStamp: u32
    PointerToSymbolTable: u32
    NumberOfSymbols: u32
    SizeOfOptionalHeader: u16
    Characteristics: u16


class IMAGE_DATA_DIRECTORY(Record, size=8):
    VirtualAddress: u32
    Size: u32


class IMAGE_OPTIONAL_HEADER32(Record, size=96):
    """Without the data directories that follow it."""

    Magic: u16
    MajorLinkerVersion: u8
    MinorLinkerVersion: u8
    SizeOfCode: u32
    SizeOfInitializedData: u32
    SizeOfUninitializedData: u32
    AddressOfEntryPoint: u32
    BaseOfCode: u32
    BaseOfData: u32
    ImageBase: u32
    SectionAlignment: u32
    FileAlignment: u32
    MajorOperatingSystemVersion: u16
    MinorOperatingSystemVersion: u16
    MajorImageVersion: u16
    MinorImageVersion: u16
    MajorSubsystemVersion: u16
    MinorSubsystemVersion: u16
    Win32VersionValue: u32
    SizeOfImage: u32
    SizeOfHeaders: u32
    CheckSum: u32
    Subsystem: u16
    DllCharacteristics: u16
    SizeOfStackReserve: u32
    SizeOfStackCommit: u32
    SizeOfHeapReserve: u32
    SizeOfHeapCommit: u32
    LoaderFlags: u32
    NumberOfRvaAndSizes: u32


class IMAGE_OPTIONAL_HEADER64(Record, size=112):
    """Without the data directories that follow it."""

    Magic: u16
    MajorLinkerVersion: u8
    MinorLinkerVersion: u8
    SizeOfCode: u32
    SizeOfInitializedData: u32
    SizeOfUninitializedData: u32
    AddressOfEntryPoint: u32
    BaseOfCode: u32
    ImageBase: u64
    SectionAlignment: u32
    FileAlignment: u32
    MajorOperatingSystemVersion: u16
    MinorOperatingSystemVersion: u16
    MajorImageVersion: u16
    MinorImageVersion: u16
    MajorSubsystemVersion: u16
    MinorSubsystemVersion: u16
    Win32VersionValue: u32
    SizeOfImage: u32
    SizeOfHeaders: u32
    CheckSum: u32
    Subsystem: u16
    DllCharacteristics: u16
    SizeOfStackReserve: u64
    SizeOfStackCommit: u64
    SizeOfHeapReserve: u64
    SizeOfHeapCommit: u64
    LoaderFlags: u32
    NumberOfRvaAndSizes: u32


class IMAGE_SECTION_HEADER(Record, size=40):
    Name: Annotated[bytes, Bytes(8)]
    VirtualSize: u32
    VirtualAddress: u32
    SizeOfRawData: u32
    PointerToRawData: u32
    PointerToRelocations: u32
    PointerToLinenumbers: u32
    NumberOfRelocations: u16
    NumberOfLinenumbers: u16
    Characteristics: u32


class IMAGE_EXPORT_DIRECTORY(Record, size=40):
    Characteristics: u32
    TimeDateStamp: u32
    MajorVersion: u16
    MinorVersion: u16
    Name: u32
    Base: u32
    NumberOfFunctions: u32
    NumberOfNames: u32
    AddressOfFunctions: u32
    AddressOfNames: u32
    AddressOfNameOrdinals: u32


class IMAGE_DEBUG_DIRECTORY(Record, size=28):
    Characteristics: u32
    TimeDateStamp: u32
    MajorVersion: u16
    MinorVersion: u16
    Type: u32
    SizeOfData: u32
    AddressOfRawData: u32
    PointerToRawData: u32


class CV_INFO_PDB70(Record, size=24):
    """`RSDS`; the PDB's path follows."""

    CvSignature: Annotated[bytes, Bytes(4)]
    Signature: Annotated[bytes, Bytes(16)]
    Age: u32


class CV_INFO_PDB20(Record, size=16):
    """`NB10`; the PDB's path follows."""

    CvSignature: Annotated[bytes, Bytes(4)]
    Offset: u32
    Signature: u32
    Age: u32


class IMAGE_RESOURCE_DIRECTORY(Record, size=16):
    Characteristics: u32
    TimeDateStamp: u32
    MajorVersion: u16
    MinorVersion: u16
    NumberOfNamedEntries: u16
    NumberOfIdEntries: u16


class IMAGE_RESOURCE_DIRECTORY_ENTRY(Record, size=8):
    Name: u32
    OffsetToData: u32


class IMAGE_RESOURCE_DATA_ENTRY(Record, size=16):
    OffsetToData: u32
    Size: u32
    CodePage: u32
    Reserved: u32


class VS_FIXEDFILEINFO(Record, size=52):
    Signature: u32
    StrucVersion: u32
    FileVersionMS: u32
    FileVersionLS: u32
    ProductVersionMS: u32
    ProductVersionLS: u32
    FileFlagsMask: u32
    FileFlags: u32
    FileOS: u32
    FileType: u32
    FileSubtype: u32
    FileDate: Annotated[tuple[int, ...], Array(u32, 2)]


class RUNTIME_FUNCTION(Record, size=12):
    """An x64 `.pdata` entry; all three are relative to the image base."""

    BeginAddress: u32
    EndAddress: u32
    UnwindInfoAddress: u32


class IMAGE_COR20_HEADER(Record, size=72):
    """The CLI header of a .NET image (ECMA-335 II.25.3.3)."""

    cb: u32
    MajorRuntimeVersion: u16
    MinorRuntimeVersion: u16
    MetaData: IMAGE_DATA_DIRECTORY
    Flags: u32
    EntryPointToken: u32
    Resources: IMAGE_DATA_DIRECTORY
    StrongNameSignature: IMAGE_DATA_DIRECTORY
    CodeManagerTable: IMAGE_DATA_DIRECTORY
    VTableFixups: IMAGE_DATA_DIRECTORY
    ExportAddressTableJumps: IMAGE_DATA_DIRECTORY
    ManagedNativeHeader: IMAGE_DATA_DIRECTORY
