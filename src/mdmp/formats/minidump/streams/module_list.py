"""ModuleListStream (4)."""

from collections.abc import Iterable
from typing import NamedTuple

from mdmp.binary.record import Record, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog
from mdmp.formats.minidump.codeview import CodeView, read_codeview
from mdmp.formats.minidump.header import MINIDUMP_LOCATION_DESCRIPTOR
from mdmp.formats.minidump.lists import counted, pack_counted
from mdmp.formats.minidump.text import Texts


class VS_FIXEDFILEINFO(Record, size=52):
    """Versions are four 16-bit numbers, the most significant first. Signature 0 or another one: no version."""

    dwSignature: u32
    dwStrucVersion: u32
    dwFileVersionMS: u32
    dwFileVersionLS: u32
    dwProductVersionMS: u32
    dwProductVersionLS: u32
    dwFileFlagsMask: u32
    dwFileFlags: u32
    dwFileOS: u32
    dwFileType: u32
    dwFileSubtype: u32
    dwFileDateMS: u32
    dwFileDateLS: u32


VS_FFI_SIGNATURE = 0xFEEF04BD


class MINIDUMP_MODULE(Record, size=108):
    BaseOfImage: u64
    SizeOfImage: u32
    CheckSum: u32
    TimeDateStamp: u32
    ModuleNameRva: u32
    VersionInfo: VS_FIXEDFILEINFO
    CvRecord: MINIDUMP_LOCATION_DESCRIPTOR
    MiscRecord: MINIDUMP_LOCATION_DESCRIPTOR
    Reserved0: u64
    Reserved1: u64


class ModuleEntry(NamedTuple):
    record: MINIDUMP_MODULE
    name: str | None
    """None where the name cannot be read."""
    codeview: CodeView | None
    """None where there is no record, or a damaged one."""


def decode(stream: Window, file: Window, issues: IssueLog) -> tuple[ModuleEntry, ...]:
    modules, texts = [], Texts(file)
    for index, record in enumerate(counted(MINIDUMP_MODULE, stream, issues, "Modules")):
        codeview = None
        name = texts.optional_wide(record.ModuleNameRva, issues, stream.name, "Modules", index, "ModuleNameRva")
        try:
            size, rva = record.CvRecord
            if size:
                codeview = read_codeview(texts, rva, size)
        except FormatError as error:
            issues.add(f"{stream.name}.Modules[{index}].CvRecord", error.problem, error.offset)
        modules.append(ModuleEntry(record, name, codeview))
    return tuple(modules)


def encode(records: Iterable[MINIDUMP_MODULE]) -> bytes:
    return pack_counted(records)
