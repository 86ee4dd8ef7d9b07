"""ModuleList, UnloadedModuleList and Wine's list of Unix libraries <-> `Module`, `UnloadedModule`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.codeview import CodeView, pack_codeview
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.streams.module_list import (
    MINIDUMP_MODULE,
    VS_FFI_SIGNATURE,
    VS_FIXEDFILEINFO,
    ModuleEntry,
    encode,
)
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import DebugId, Module, Snapshot, UnloadedModule

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


def save_modules(snapshot: Snapshot, out: Layout) -> None:
    if snapshot.modules is None:
        return
    wine = snapshot.system.os == "windows"
    own = [module for module in snapshot.modules if not (wine and module.os == "linux")]
    unix = [module for module in snapshot.modules if wine and module.os == "linux"]
    out.stream(table.MODULE_LIST, encode([_module_record(module, out) for module in own]))
    if unix:
        out.stream(table.WINE_MODULE_LIST, encode([_module_record(module, out) for module in unix]))


def save_unloaded_modules(snapshot: Snapshot, out: Layout) -> None:
    if snapshot.unloaded_modules is None:
        return
    from mdmp.formats.minidump.streams import unloaded_module_list as wire

    records = [
        wire.MINIDUMP_UNLOADED_MODULE.new(
            BaseOfImage=module.base & _U64,
            SizeOfImage=min(module.size, _U32),
            CheckSum=(module.checksum or 0) & _U32,
            TimeDateStamp=(module.timestamp or 0) & _U32,
            ModuleNameRva=out.wide(module.path),
        )
        for module in snapshot.unloaded_modules
    ]
    out.stream(table.UNLOADED_MODULE_LIST, wire.encode(records))


_U32, _U64 = 0xFFFFFFFF, (1 << 64) - 1
_CODEVIEW = {"pdb70": "RSDS", "macho": "RSDS", "pdb20": "NB10", "elf": "BpEL"}


def _module_record(module: Module, out: Layout) -> MINIDUMP_MODULE:
    debug = module.debug
    codeview: tuple[int, int] = (0, 0)
    if debug is not None and debug.kind in _CODEVIEW:
        record = CodeView(_CODEVIEW[debug.kind], debug.signature, debug.age & _U32, debug.path)
        codeview = out.place(pack_codeview(record), 4)
    version = VS_FIXEDFILEINFO.new()
    if module.file_version or module.product_version:
        (file_high, file_low), (high, low) = _numbers(module.file_version), _numbers(module.product_version)
        version = VS_FIXEDFILEINFO.new(
            dwSignature=VS_FFI_SIGNATURE,
            dwStrucVersion=0x10000,
            dwFileVersionMS=file_high,
            dwFileVersionLS=file_low,
            dwProductVersionMS=high,
            dwProductVersionLS=low,
        )
    return MINIDUMP_MODULE.new(
        BaseOfImage=module.base & _U64,
        SizeOfImage=min(module.size, _U32),
        CheckSum=(module.checksum or 0) & _U32,
        TimeDateStamp=(module.timestamp or 0) & _U32,
        ModuleNameRva=out.wide(module.path),
        VersionInfo=version,
        CvRecord=codeview,
    )


def _numbers(version: str | None) -> tuple[int, int]:
    """`1.2.3.4` as the two words of VS_FIXEDFILEINFO."""
    parts = [int(part) & 0xFFFF if part.isdecimal() else 0 for part in (version or "").split(".")]
    a, b, c, d = (*parts, 0, 0, 0, 0)[:4]
    return a << 16 | b, c << 16 | d
