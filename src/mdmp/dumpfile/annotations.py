"""Comments, Crashpad's and Breakpad's notes, Linux texts, Mozilla's streams <-> `Annotations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Annotations
from mdmp.snapshot.module import guid_text

if TYPE_CHECKING:
    from mdmp.formats.minidump.streams.assertion_info import AssertionInfo
    from mdmp.formats.minidump.streams.crashpad_info import CrashpadInfo, ModuleAnnotations
    from mdmp.formats.minidump.streams.mac_boot_args import MacBootArgs
    from mdmp.formats.minidump.streams.mac_crash_info import MacCrashInfo

TEXTS = {
    table.LINUX_CPU_INFO: "cpuinfo",
    table.LINUX_PROC_STATUS: "status",
    table.LINUX_LSB_RELEASE: "lsb-release",
    table.LINUX_CMD_LINE: "cmdline",
    table.LINUX_ENVIRON: "environ",
    table.LINUX_MAPS: "maps",
    table.LINUX_LIMITS: "limits",
}
_STRING = 1
_ASSERTIONS = {1: "invalid parameter", 2: "pure virtual call"}


def load_annotations(dump: Minidump) -> Annotations:
    crashpad: CrashpadInfo | None = dump.stream(table.CRASHPAD_INFO)
    comments = (*dump.streams(table.COMMENT_A), *dump.streams(table.COMMENT_W))
    texts = {name: dump.stream(number) for number, name in TEXTS.items()}
    boot_args: MacBootArgs | None = dump.stream(table.MAC_BOOT_ARGS)
    soft_errors: bytes | None = dump.stream(table.SOFT_ERRORS)
    return Annotations(
        process=crashpad.simple_annotations if crashpad else {},
        modules={module.module_index: _module(module) for module in crashpad.modules} if crashpad else {},
        comments=tuple(comment for comment in comments if comment),
        assertion=_assertion(dump.stream(table.ASSERTION_INFO)),
        report_id=_uuid(crashpad.record.report_id) if crashpad else None,
        client_id=_uuid(crashpad.record.client_id) if crashpad else None,
        texts={name: text for name, text in texts.items() if text is not None},
        mac_crash_info=_mac_crash_info(dump.stream(table.MAC_CRASH_INFO)),
        mac_boot_args=boot_args.text if boot_args else None,
        soft_errors=soft_errors.decode("utf-8", "replace") if soft_errors else None,
    )


def _module(module: ModuleAnnotations) -> dict[str, str]:
    found = dict(module.simple_annotations)
    found.update((f"list[{index}]", text) for index, text in enumerate(module.list_annotations))
    for annotation in module.annotation_objects:
        if annotation.type == _STRING:
            text = annotation.value.decode("utf-8", "replace")
        else:
            text = annotation.value.hex()
        name, number = annotation.name, 1
        while name in found:
            number += 1
            name = f"{annotation.name}[{number}]"
        found[name] = text
    return found


def _uuid(raw: bytes) -> str | None:
    return guid_text(raw).lower() if any(raw) else None


def _assertion(info: AssertionInfo | None) -> str | None:
    """`x != 0 in f, a.cpp:12`, or what kind of failure it was."""
    if info is None:
        return None
    text = info.expression or _ASSERTIONS.get(info.record.Type, "assertion")
    if info.function:
        text += f" in {info.function}"
    if info.file:
        text += f", {info.file}:{info.record.Line}"
    return text


def _mac_crash_info(records: tuple[MacCrashInfo, ...] | None) -> tuple[dict[str, str | int], ...] | None:
    if records is None:
        return None
    return tuple(
        {
            **entry.strings,
            "thread": entry.record.Thread,
            "dialog_mode": entry.record.DialogMode,
            "abort_cause": entry.record.AbortCause,
        }
        for entry in records
    )
