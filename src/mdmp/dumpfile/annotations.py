"""Comments, Crashpad's and Breakpad's notes, Linux texts, Mozilla's streams <-> `Annotations`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.snapshot import Annotations, Snapshot
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
_BETWEEN = "\n\n"
"""Several comments share one stream."""
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
        comments=tuple(comment for text in comments for comment in text.split(_BETWEEN) if comment),
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


def save_annotations(snapshot: Snapshot, out: Layout) -> None:
    notes = snapshot.annotations
    _save_crashpad(notes, out)
    if notes.comments:
        from mdmp.formats.minidump.streams import comment_w

        # LLDB opens no dump that has two streams of one type.
        out.stream(table.COMMENT_W, comment_w.encode(_BETWEEN.join(notes.comments)))
    if notes.assertion is not None:
        _save_assertion(notes.assertion, out)
    for number, name in TEXTS.items():
        if name in notes.texts:
            out.stream(number, notes.texts[name])
    if notes.soft_errors is not None:
        out.stream(table.SOFT_ERRORS, notes.soft_errors.encode("utf-8", "replace"))
    if notes.mac_boot_args is not None:
        from mdmp.formats.minidump.streams import mac_boot_args

        out.stream(table.MAC_BOOT_ARGS, mac_boot_args.encode(out, notes.mac_boot_args))
    if notes.mac_crash_info is not None:
        _save_mac_crash_info(notes, out)


def _save_crashpad(notes: Annotations, out: Layout) -> None:
    if not (notes.process or notes.modules or notes.report_id or notes.client_id):
        return
    from mdmp.formats.minidump.streams import crashpad_info

    ids = (_uuid_bytes(notes.report_id), _uuid_bytes(notes.client_id))
    out.stream(table.CRASHPAD_INFO, crashpad_info.encode(out, *ids, notes.process, notes.modules))


def _uuid_bytes(text: str | None) -> bytes:
    """The opposite of `_uuid`; zeros for what is none."""
    digits = (text or "").replace("-", "")
    raw = bytes.fromhex(digits) if re.fullmatch("[0-9a-fA-F]{32}", digits) else bytes(16)
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]


def _save_assertion(text: str, out: Layout) -> None:
    """Taken apart as `_assertion` puts it together."""
    from mdmp.formats.minidump.streams import assertion_info

    found = re.fullmatch(r"(.*?)(?: in (.+?))?(?:, (.+):(\d{1,9}))?", text, re.DOTALL)
    expression, function, file, line = found.groups("") if found else (text, "", "", "")
    kind = next((number for number, words in _ASSERTIONS.items() if words == expression), 0)
    stream = assertion_info.encode("" if kind else expression, function, file, int(line or 0), kind)
    out.stream(table.ASSERTION_INFO, stream)


def _save_mac_crash_info(notes: Annotations, out: Layout) -> None:
    from mdmp.formats.minidump.streams import mac_crash_info as wire

    infos = []
    for info in notes.mac_crash_info or ():
        numbers = {name: value for name, value in info.items() if isinstance(value, int)}
        record = wire.MINIDUMP_MAC_CRASH_INFO_RECORD_5.new(
            StreamType=table.MAC_CRASH_INFO,
            Version=5,
            Thread=numbers.get("thread", 0),
            DialogMode=numbers.get("dialog_mode", 0),
            AbortCause=numbers.get("abort_cause", 0),
        )
        texts = {name: value for name, value in info.items() if isinstance(value, str)}
        infos.append(wire.MacCrashInfo(record, texts))
    out.stream(table.MAC_CRASH_INFO, wire.encode(out, infos))
