"""What other projects assert (or recorded) about their dumps, field by field, against what we read.

The corpus's README tells what each field means. Raw expectations are compared with the wire records, the rest with
the snapshot.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mdmp.binary.window import map_file
from mdmp.dumpfile.facts import facts
from mdmp.dumpfile.load import load_minidump
from mdmp.errors import UnusableInputError
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Snapshot

HARD = ("asserted", "recorded", "derived")


def number(value: Any) -> int:
    return value if isinstance(value, int) else int(value, 16)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return [number(v) for v in ours][: len(theirs)] == [number(v) for v in theirs]
    if isinstance(theirs, str) and theirs.startswith("0x"):
        return ours is not None and number(ours) == number(theirs)
    return bool(ours == theirs)


def cases(corpus: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    for path in sorted((corpus / "cases").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        if case["kind"] == "minidump":
            hard = [e for e in case["expectations"] if e["basis"] in HARD and not e.get("requires")]
            yield case, [e["expected"] for e in hard]


def test_every_dump_opens_or_says_why_not(corpus: Path) -> None:
    opened = 0
    for case, expected in cases(corpus):
        try:
            dump = Minidump(map_file(corpus / case["file"]))
            facts(dump, load_minidump(dump))
            opened += 1
        except UnusableInputError:
            assert not any(x.get("parse") == "ok" for x in expected), case["id"]
    assert opened > 80


def test_asserted_facts(corpus: Path) -> None:
    asked = 0
    wrong: list[str] = []
    for case, expected in cases(corpus):
        if not any(set(x) & set(CHECKS) for x in expected):
            continue
        try:
            dump = Minidump(map_file(corpus / case["file"]))
        except UnusableInputError:
            continue
        snapshot = load_minidump(dump)
        ours = facts(dump, snapshot)
        for want in expected:
            for field, check in CHECKS.items():
                if want.get(field) is not None:
                    for what, ok in check(dump, snapshot, ours, want[field], want):
                        asked += 1
                        if not ok:
                            wrong.append(f"{case['id']} {field} {what}")
    assert not wrong, "\n".join(wrong[:40])
    assert asked > 900


Answer = Iterator[tuple[str, bool]]


def check_part(part: str) -> Any:
    def check(dump: Minidump, snapshot: Snapshot, ours: dict[str, Any], want: dict[str, Any], _: Any) -> Answer:
        for key, value in want.items():
            if key in ("context", "stream_names") or value is None:
                continue
            found = (ours[part] or {}).get(key)
            yield f"{key}: {found!r} {value!r}", same(found, value)

    return check


def check_streams(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    found = {(e.StreamType, e.Location.DataSize, e.Location.Rva): i for i, e in enumerate(dump.directory)}
    for stream in want:
        key = (number(stream["type"]), stream.get("size"), stream.get("rva"))
        if None not in key:
            yield str(stream), key in found
        if stream.get("bytes") is not None:
            texts = [dump.raw(i).tobytes() for (kind, *_), i in found.items() if kind == key[0]]
            yield str(stream), stream["bytes"].encode() in texts


def check_ranges(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, whole: Any) -> Answer:
    found = [(number(r["base"]), r["size"]) for r in ours["memory_ranges"]]
    listed = [(r.StartOfMemoryRange, r.Memory.DataSize) for r in dump.stream(table.MEMORY_LIST) or ()]
    for r in want:
        yield str(r), (number(r["base"]), r["size"]) in (*found, *listed)


def check_bytes(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    for piece in want:
        raw = bytes.fromhex(piece["hex"])
        yield piece["address"], snapshot.memory.read(number(piece["address"]), len(raw)) == raw


def check_threads_raw(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    threads = list(dump.stream(table.THREAD_LIST))
    names = {
        "tid": lambda t: t.ThreadId,
        "suspend_count": lambda t: t.SuspendCount,
        "priority_class": lambda t: t.PriorityClass,
        "priority": lambda t: t.Priority,
        "teb": lambda t: t.Teb,
        "stack_start": lambda t: t.Stack.StartOfMemoryRange,
        "stack_size": lambda t: t.Stack.Memory.DataSize,
        "context_size": lambda t: t.ThreadContext.DataSize,
    }
    for thread, wanted in zip(threads, want, strict=False):
        for key, value in wanted.items():
            if key in names and value is not None:
                yield f"{key} {value}", number(value) == names[key](thread)
        for register, value in (wanted.get("context") or {}).items():
            context = next(t.context for t in snapshot.threads or () if t.tid == thread.ThreadId)
            known = dict(context.registers) if context else {}
            plain = {"pc": known.get("eip", known.get("rip")), "sp": known.get("esp", known.get("rsp"))}
            yield f"{register} {value}", (known | plain).get(register) == number(value)


def check_memory_info(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    names = {
        "base": "BaseAddress",
        "allocation_base": "AllocationBase",
        "size": "RegionSize",
        "state": "State",
        "protection": "Protect",
        "type": "Type",
    }
    for region, wanted in zip(dump.stream(table.MEMORY_INFO_LIST), want, strict=False):
        for key, value in wanted.items():
            if key in names and value is not None:
                yield f"{key} {value}", getattr(region, names[key]) == number(value)


def check_thread_names(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    if dump.stream(table.THREAD_NAMES) is None:
        return  # recorded from the process, not in the dump
    for wanted in want:
        thread = snapshot.thread(wanted["tid"])
        yield str(wanted), thread is not None and thread.name == wanted["name"]


def check_modules(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    by_base: dict[int, list[Any]] = {}
    for module in snapshot.modules or ():
        by_base.setdefault(module.base, []).append(module)
    for wanted in want:
        if wanted.get("base") is None:
            continue
        found = by_base.get(number(wanted["base"]), [])
        yield f"base {wanted['base']}", bool(found)
        for key, of in {
            "size": lambda m: m.size,
            "path": lambda m: m.path,
            "timestamp": lambda m: m.timestamp,
            "version": lambda m: m.file_version,
        }.items():
            if found and wanted.get(key) is not None:
                yield f"{key} {wanted[key]}", wanted[key] in [of(m) for m in found]
        if found and wanted.get("debug_id") and any(m.debug for m in found):
            ids = [m.debug.breakpad.upper() for m in found if m.debug]
            yield f"debug_id {wanted['debug_id']} {ids}", wanted["debug_id"].upper() in ids


def check_unloaded(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    found = {(m.base, m.size, m.name) for m in snapshot.unloaded_modules or ()}
    for wanted in want:
        yield str(wanted), (number(wanted["base"]), wanted["size"], wanted["name"]) in found


def check_regions(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    """Only maps that the dump itself tells: LLDB also fills gaps and guesses from the memory list."""
    for wanted in want if snapshot.regions else ():
        found = snapshot.region_at(number(wanted["base"]))
        if found is None or wanted.get("mapped") is False:
            continue
        if wanted.get("perm") and found.start == number(wanted["base"]):
            yield str(wanted), found.protection == wanted["perm"]
        if wanted.get("name"):
            yield str(wanted), found.name == wanted["name"]


def check_crashpad(dump: Minidump, snapshot: Snapshot, ours: Any, want: Any, _: Any) -> Answer:
    found = ours["crashpad_info"]
    for key in ("report_id", "client_id", "simple_annotations"):
        if want.get(key) is not None:
            yield f"{key} {found[key]}", found[key] == want[key]
    if want.get("module_count") is not None:
        yield "module_count", len(found["modules"]) == want["module_count"]
    in_order = list(found["modules"].values())
    for index, wanted in (want.get("modules") or {}).items():
        for name in wanted.get("annotation_object_names") or ():
            yield f"{index} {name}", any(key.split("[")[0] == name for key in in_order[int(index)])


def check_plain(name: str) -> Any:
    def check(dump: Minidump, snapshot: Snapshot, ours: dict[str, Any], want: Any, _: Any) -> Answer:
        yield f"{ours[name]} {want}", ours[name] == want

    return check


CHECKS: dict[str, Any] = {
    "header": check_part("header"),
    "system_info": check_part("system_info"),
    "misc_info": check_part("misc_info"),
    "exception": check_part("exception"),
    "breakpad_info": check_part("breakpad_info"),
    "streams": check_streams,
    "memory_ranges": check_ranges,
    "memory_bytes": check_bytes,
    "threads_raw": check_threads_raw,
    "memory_info": check_memory_info,
    "memory_regions": check_regions,
    "thread_names": check_thread_names,
    "modules": check_modules,
    "unloaded_modules": check_unloaded,
    "crashpad_info": check_crashpad,
    "lsb_release": check_plain("lsb_release"),
}


def test_own_checks_cover_what_is_asked(corpus: Path) -> None:
    """A field of the corpus that is about the file itself must have a check here."""
    asked = {field for _, expected in cases(corpus) for x in expected for field in x}
    raw = {f for f in asked if f.endswith("_info") or f in ("header", "streams")} - {"cpu_info"}  # a text in words
    assert raw <= set(CHECKS)


@pytest.mark.parametrize("name", ["thread_list", "module_list"])
def test_table_names_its_modules(name: str) -> None:
    assert name in {module for _, module in table.STREAMS.values()}
