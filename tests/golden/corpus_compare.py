"""Compares a report with what others say of the same dump, field by field, as the README of the corpus defines them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import mdmp
from mdmp.dumpfile.facts import facts
from mdmp.dumpfile.load import load_records
from mdmp.report import Frame, InlineFrame, Report, ThreadReport

HARD = ("asserted", "recorded", "derived")
CPUS = {"x86_64": "amd64", "aarch64": "arm64"}
ALIASES = {"efl": ("eflags",), "fp": ("x29", "r7", "r11"), "lr": ("x30",)}
"""LLDB and Breakpad call registers by their roles; on 32-bit ARM the frame pointer is r7 for Apple, else r11."""
NOTHING = (None, 0, "family 0 model 0 stepping 0", "ARMv0")
"""What tools print where the dump says zero."""


class Answer(NamedTuple):
    field: str
    ours: Any
    want: Any
    same: bool
    thread: ThreadReport | None = None
    at: int = 0
    """Of a frame, inlined ones counted."""
    others: tuple[dict[str, Any], ...] = ()
    """All frames of the thread as the others have them."""


class Case:
    """A case of the corpus with its dump opened."""

    def __init__(self, root: Path, about: dict[str, Any]) -> None:
        self.root, self.about, self.id = root, about, about["id"]
        self.path = root / about["file"]
        self.snapshot, self.records = load_records(self.path)
        self.facts = facts(self.records, self.snapshot)
        self.report = cache(self._report)

    def _report(self, symbols: tuple[str, ...]) -> Report:
        folders = [self.root / name for name in symbols]
        return mdmp.analyze(self.snapshot, symbols=folders, images=folders)


def number(text: Any) -> int | None:
    return text if text is None or isinstance(text, int) else int(text, 16)


def tail(path: str | None) -> str | None:
    return None if path is None else re.split(r"[\\/]", path)[-1].lower()


def bare(name: str | None) -> str | None:
    """A function's own name: without namespaces, template arguments, parameters."""
    if name is None:
        return None
    kept, depth = "", 0
    for char in re.sub(r"[(`]anonymous[ -]namespace[)']", "{anonymous}", name):
        depth += (char == "<") - (char == ">")
        if char == "(" and kept and depth == 0:
            break
        if depth == 0 and char not in "> ":
            kept += char
    return kept.split("::")[-1]


def read_cases(root: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((root / "cases").glob("*.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["kind"] in ("minidump", "microdump"):
            yield about


def answers(case: Case, expectation: dict[str, Any]) -> Iterator[Answer]:
    want, tool = expectation["expected"], expectation["source"].get("tool", "")
    report = case.report(tuple(expectation.get("symbols") or ()))
    yield from _system(report, want)
    yield from _crash(report, want)
    if "LLDB" not in tool:  # it spells identities its own way, and had neither symbols nor images to walk with
        yield from _modules(report, want, tool)
        yield from _threads(report, want)
    yield from _raw(case, want)


def _system(report: Report, want: dict[str, Any]) -> Iterator[Answer]:
    ours = {
        "os": report.os,
        "cpu": report.cpu,
        "cpu_count": report.cpu_count,
        "cpu_info": report.cpu_info or "",
        "pid": report.pid,
        "process_uptime_s": report.uptime.total_seconds() if report.uptime else None,
        "timestamp": int(report.dump.time.timestamp()) if report.dump.time else None,
    }
    for field, value in ours.items():
        if want.get(field) not in NOTHING:
            yield Answer(field, value, want[field], value == want[field])
    if want.get("os_version"):
        mine, theirs = (report.os_version or "").split(), f"{want['os_version']} {want.get('os_build') or ''}".split()
        if theirs[:2] == ["0.0.0", "Linux"] and len(theirs) > 4:  # Breakpad prints all that uname said
            theirs = theirs[2:-1]
        yield Answer("os_version", mine, theirs, mine[: len(theirs)] == theirs)


def _crash(report: Report, want: dict[str, Any]) -> Iterator[Answer]:
    crash, index = report.crash, report.crashing_thread
    if want.get("crashed") and want.get("crash_reason") and not want["crash_reason"].startswith("0x"):
        ours, theirs = (text.split("/")[0].strip() for text in (crash.reason, want["crash_reason"]))
        yield Answer("crash_reason", ours, theirs, ours == theirs)
    if want.get("crashed") and want.get("crash_address"):
        theirs = want["crash_address"]
        yield Answer("crash_address", crash.address, theirs, crash.address == number(theirs))
    if want.get("crashing_tid") is not None:
        tid = None if index is None else report.threads[index].tid
        yield Answer("crashing_tid", tid, want["crashing_tid"], tid == want["crashing_tid"])
    if want.get("crash_instruction"):
        plain = re.sub(r"\b(ptr )|0x(?=[0-9]\b)", "", crash.instruction or "")
        theirs = re.sub(r"0x(?=[0-9]\b)", "", want["crash_instruction"])
        yield Answer("crash_instruction", plain, theirs, plain == theirs)
    if want.get("memory_accesses"):
        mine = [(a.address, a.size, a.access) for a in crash.memory_accesses]
        theirs = [(number(a["address"]), a["size"], a["type"]) for a in want["memory_accesses"]]
        yield Answer("memory_accesses", mine, theirs, mine == theirs)


def _modules(report: Report, want: dict[str, Any], tool: str) -> Iterator[Answer]:
    for theirs in want.get("modules") or ():
        base = number(theirs.get("base"))
        if base is None:
            continue
        fields = {"size": theirs.get("size"), "name": tail(theirs.get("name") or theirs.get("path"))}
        fields |= {key: (theirs.get(key) or "").lower() for key in ("debug_id", "code_id")}
        fields |= {"debug_file": tail(theirs.get("debug_file")), "version": theirs.get("version")}
        if "minidump_dump" in tool:  # prints zeros and words in place of what is not there
            fields |= {"version": None, "code_id": None}
        asked = {key: value for key, value in fields.items() if value}
        mine = [
            {
                "size": m.size,
                "name": tail(m.name),
                "debug_id": (m.debug_id or "").lower(),
                "code_id": (m.code_id or "").lower(),
                "debug_file": tail(m.debug_file),
                "version": m.version,
            }
            for m in report.modules
            if m.base == base
        ]
        yield Answer("module", mine, asked, any(asked.items() <= one.items() for one in mine))
        if theirs.get("main"):
            main = report.main_module is not None and report.modules[report.main_module].base
            yield Answer("main module", main, base, main == base)


def _threads(report: Report, want: dict[str, Any]) -> Iterator[Answer]:
    known = {thread.tid: thread for thread in report.threads}
    for theirs in want.get("threads") or ():
        thread = known.get(theirs.get("tid"))
        if theirs.get("role") == "crashing" and report.crashing_thread is not None:
            thread = report.threads[report.crashing_thread]
        elif theirs.get("tid") is None and theirs.get("index", len(report.threads)) < len(report.threads):
            thread = report.threads[theirs["index"]]
        yield Answer("thread", thread and thread.tid, theirs.get("tid"), thread is not None)
        if thread:
            yield from _frames(thread, tuple(theirs.get("frames") or ()))
            yield from _registers(thread, theirs.get("registers") or {})
    for named in want.get("thread_names") or ():
        name = known[named["tid"]].name if named["tid"] in known else None
        yield Answer("thread_name", name, named["name"], name == named["name"])


def flat(thread: ThreadReport) -> list[tuple[Frame, InlineFrame | None]]:
    return [(frame, inline) for frame in thread.frames for inline in (*frame.inlines, None)]


def place(frame: dict[str, Any]) -> int | None:
    return number(frame.get("instruction") or frame.get("pc"))


def _frames(thread: ThreadReport, others: tuple[dict[str, Any], ...]) -> Iterator[Answer]:
    """Up to the first frame that the others found by scanning, and not behind a wrong one."""
    mine = flat(thread)
    for i, want in enumerate(others):
        if want.get("trust") in ("scan", "cfi_scan"):
            return
        if not want:
            continue
        frame, inline = mine[i] if i < len(mine) else (None, None)
        said = inline or frame
        where = None if want.get("inline") else place(want)
        right = frame is not None and said is not None
        if frame and said:
            right &= where is None or abs(frame.lookup - where) <= 4
            right &= not want.get("module") or tail(frame.module) == tail(want["module"])
            right &= want.get("function") is None or bare(said.function) == bare(want["function"])
            right &= want.get("function_contains", "") in (said.function or "")
            if want.get("line") is not None and want.get("file"):
                right &= said.line == want["line"] and tail(said.file) == tail(want["file"])
            if want.get("function_offset") is not None and frame.function_offset is not None:
                right &= abs(frame.function_offset - (number(want["function_offset"]) or 0)) <= 4
        yield Answer("frame", said, want, right, thread, i, others)
        if not right and not want.get("function"):
            return


def _registers(thread: ThreadReport, want: dict[str, Any]) -> Iterator[Answer]:
    ours = thread.frames[0].registers if thread.frames else {}
    for name, value in want.items():
        mine = [ours[known] for known in (name, *ALIASES.get(name, ())) if known in ours]
        if mine or name[:3] not in ("fps", "fpc"):  # floating-point state is not in reports
            yield Answer("register", mine, f"{name} {value}", number(value) in mine, thread)


def _raw(case: Case, want: dict[str, Any]) -> Iterator[Answer]:
    for part in ("header", "system_info", "misc_info", "exception", "breakpad_info"):
        ours = case.facts[part] or {}
        for key, theirs in (want.get(part) or {}).items():
            if key not in ("context", "stream_names") and theirs is not None:
                yield Answer(part, (key, ours.get(key)), theirs, _equal(ours.get(key), theirs))
    streams = {(number(s["type"]), s["size"], s["rva"]) for s in case.facts["streams"]}
    for s in want.get("streams") or ():
        yield Answer("stream", None, s, (number(s["type"]), s["size"], s["rva"]) in streams)
    ranges = {(number(r["base"]), r["size"]) for r in case.facts["memory_ranges"]}
    for r in want.get("memory_ranges") or ():
        yield Answer("memory_range", None, r, (number(r["base"]), r["size"]) in ranges)
    for piece in want.get("memory_bytes") or ():
        raw = bytes.fromhex(piece["hex"])
        found = case.snapshot.memory.read(number(piece["address"]) or 0, len(raw))
        yield Answer("memory_bytes", found, raw, found == raw)


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return ours is not None and [number(v) for v in ours][: len(theirs)] == [number(v) for v in theirs]
    if isinstance(theirs, str) and theirs.startswith("0x"):
        return ours is not None and number(ours) == number(theirs)
    return str(ours) == str(theirs)
