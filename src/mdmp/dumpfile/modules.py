"""ModuleList, UnloadedModuleList and Wine's list of Unix libraries <-> `Module`, `UnloadedModule`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.codeview import CodeView
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.module_list import VS_FFI_SIGNATURE, VS_FIXEDFILEINFO, ModuleEntry
from mdmp.snapshot import DebugId, Module, UnloadedModule

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.unloaded_module_list import UnloadedModuleEntry

_KINDS = {"RSDS": "pdb70", "NB10": "pdb20", "BpEL": "elf"}


def load_modules(dump: Minidump, os: str) -> tuple[Module, ...] | None:
    """Every entry in the order of the file, repeated ones too; None when there is no list."""
    entries: tuple[ModuleEntry, ...] | None = dump.stream(table.MODULE_LIST)
    if entries is None:
        return None
    unix: tuple[ModuleEntry, ...] = dump.stream(table.WINE_MODULE_LIST) or ()
    return (*(_module(entry, os) for entry in entries), *(_module(entry, "linux") for entry in unix))


def load_unloaded_modules(dump: Minidump) -> tuple[UnloadedModule, ...] | None:
    entries: tuple[UnloadedModuleEntry, ...] | None = dump.stream(table.UNLOADED_MODULE_LIST)
    if entries is None:
        return None
    return tuple(
        UnloadedModule(
            base=record.BaseOfImage,
            size=record.SizeOfImage,
            path=name or "",
            timestamp=record.TimeDateStamp,
            checksum=record.CheckSum,
        )
        for record, name in entries
    )


def _module(entry: ModuleEntry, os: str) -> Module:
    record = entry.record
    version = record.VersionInfo
    return Module(
        record.BaseOfImage,
        record.SizeOfImage,
        entry.name or "",
        record.TimeDateStamp if os == "windows" else record.TimeDateStamp or None,
        record.CheckSum if os == "windows" else record.CheckSum or None,
        _version(version, version.dwFileVersionMS, version.dwFileVersionLS),
        _version(version, version.dwProductVersionMS, version.dwProductVersionLS),
        _debug_id(entry.codeview, os) if entry.codeview else None,
        os,
    )


def _version(info: VS_FIXEDFILEINFO, high: int, low: int) -> str | None:
    if info.dwSignature != VS_FFI_SIGNATURE:
        return None
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _debug_id(codeview: CodeView, os: str) -> DebugId | None:
    """None for a kind that we do not know, and for an identity of zeros: it identifies nothing."""
    kind = _KINDS.get(codeview.kind)
    if kind is None or not any(codeview.signature):
        return None
    if kind == "pdb70" and os in ("macos", "ios"):
        kind = "macho"
    return DebugId(kind, codeview.signature, codeview.age, codeview.path)
