"""Every dump of the corpus against all that is said of it; what differs is explained in docs/corpus-differences.md.

Each heading there has a check here, which looks at the dump itself: a difference that no check recognises fails, and so
does one more or less of a kind.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus_compare import HARD, Answer, Case, answers, flat, number, place, read_cases

import mdmp
from mdmp.formats.minidump.streams import table

ROOT = Path(__file__).resolve().parent.parent.parent
STUB_ENDS = (b"\xc2", b"\x83\xc4\x04\xc2")
"""ret n, and the same after add esp, 4."""


def addresses(answer: Answer) -> tuple[list[int], list[int | None]]:
    """Program counters of the thread as we and as the others have them, without inlined frames."""
    ours = [frame.instruction for frame, inline in flat(answer.thread) if inline is None] if answer.thread else []
    return ours, [place(frame) for frame in answer.others if not frame.get("inline")]


def lacks_our_frame(answer: Answer) -> bool:
    """Are the frames of the others ours without one?"""
    ours, theirs = addresses(answer)
    count = min(len(ours) - 1, len(theirs), answer.at + 3)
    return ours[: answer.at] + ours[answer.at + 1 : count + 1] == theirs[:count]


def top(case: Case, answer: Answer, skip: int = 0) -> int | None:
    assert answer.thread
    frame, size = answer.thread.frames[0], case.report(()).pointer_size
    return case.snapshot.memory.word((frame.stack_pointer or 0) + skip * size, size)


def system_call(case: Case, answer: Answer) -> bool:
    """The thread stands before a `ret`, and the word that it will take is our caller."""
    if case.snapshot.system.cpu != "x86" or not answer.thread or answer.at != 1:
        return False
    code = case.snapshot.memory.read_some(answer.thread.frames[0].instruction, 4)
    skips = [start[:3] == b"\x83\xc4\x04" for start in STUB_ENDS if code.startswith(start)]
    taken = top(case, answer, skips[0]) if skips else None
    return taken == answer.thread.frames[1].instruction and lacks_our_frame(answer)


def call_into_data(case: Case, answer: Answer) -> bool:
    """The program counter is in no module, and the word on top of the stack is our caller."""
    if not answer.thread or answer.at != 1 or answer.thread.frames[0].module:
        return False
    return [top(case, answer)] == addresses(answer)[0][1:2] and lacks_our_frame(answer)


def link_register(case: Case, answer: Answer) -> bool:
    """Their frame is what the link register held at a time when the function had saved it, or stands there twice."""
    if case.snapshot.system.cpu != "arm64" or not answer.thread:
        return False
    ours, theirs = addresses(answer)
    i = answer.at
    if i == 1 and theirs[1] == answer.thread.frames[0].registers["x30"]:
        return theirs[2:6] == ours[1:5]
    return theirs[i : i + 2] == 2 * ours[i + 1 : i + 2] and theirs[i + 2 : i + 5] == ours[i + 2 : i + 5]


def data(case: Case, answer: Answer) -> bool:
    """The memory map says that code cannot run where their frame is."""
    region = case.snapshot.region_at(place(answer.want) or 0)
    return region is not None and "x" not in region.protection


def tables_elsewhere(case: Case, answer: Answer) -> bool:
    """They had unwind data of an image that is neither in the dump nor in the corpus."""
    if answer.want.get("trust") != "cfi" or not answer.thread or getattr(answer.ours, "trust", None) != "scan":
        return False
    before = answer.thread.frames[answer.at - 1]
    states = [m.image.status for m in case.report(()).modules if m.base <= before.instruction < m.base + m.size]
    return states == ["missing"]


def zero_identity(case: Case, answer: Answer) -> bool:
    if set(answer.want.get("debug_id", "")) != {"0"}:
        return False
    rest = {key: value for key, value in answer.want.items() if key not in ("debug_id", "debug_file")}
    return any(rest.items() <= one.items() and one["debug_id"] == "" for one in answer.ours)


def deleted_file(case: Case, answer: Answer) -> bool:
    return any(one["name"] == f"{answer.want['name']} (deleted)" for one in answer.ours)


def names_elsewhere(case: Case, answer: Answer) -> bool:
    return case.records is not None and case.records.stream(table.THREAD_NAMES) is None


def made_up_pid(case: Case, answer: Answer) -> bool:
    streams = {entry.StreamType for entry in case.records.directory} if case.records else set()
    return answer[1:3] == (None, 1) and not streams & {table.MISC_INFO, table.LINUX_PROC_STATUS}


def range_without_bytes(case: Case, answer: Answer) -> bool:
    if case.records is None:
        return False
    listed = [(r.StartOfMemoryRange, r.Memory.DataSize) for r in case.records.stream(table.MEMORY_LIST)]
    wanted = (number(answer.want["base"]), answer.want["size"])
    return wanted in listed and answer.want["size"] > case.path.stat().st_size


def text_without_bytes(case: Case, answer: Answer) -> bool:
    rva = case.facts["system_info"]["csd_version_rva"]
    return answer[1:3] == (("csd_version", ""), "(null)") and rva > case.path.stat().st_size


def sign(case: Case, answer: Answer) -> bool:
    return bool(answer.ours[1] >= 1 << 31 and answer.ours[1] - (1 << 32) == answer.want)


def displacement(case: Case, answer: Answer) -> bool:
    """mov byte [disp32], imm8: the processor extends the sign of the displacement."""
    record = next(iter(case.snapshot.exceptions))
    code = case.snapshot.memory.read(record.context.registers["rip"], 7) if record.context else b""
    widened = int.from_bytes(code[3:7], "little", signed=True) & (1 << 64) - 1
    return code[:3] == b"\xc6\x04\x25" and f"{widened:#x}" in answer.ours


def no_signal_line(case: Case, answer: Answer) -> bool:
    return answer[1:3] == (None, "0x0") and not re.search(rb": R [0-9A-F]", case.path.read_bytes())


def no_rules(case: Case, answer: Answer) -> bool:
    return case.snapshot.system.cpu == "mips" and answer.ours is None


REASONS: dict[str, tuple[str, Callable[[Case, Answer], bool]]] = {
    "Callers of system calls": ("frame", system_call),
    "A call into data": ("frame", call_into_data),
    "Link registers": ("frame", link_register),
    "Frames in data": ("frame", data),
    "Tables that are not in the dump": ("frame", tables_elsewhere),
    "MIPS": ("frame", no_rules),
    "Identities of zeros": ("module", zero_identity),
    "Deleted files": ("module", deleted_file),
    "Names of threads from elsewhere": ("thread_name", names_elsewhere),
    "Process 1": ("pid", made_up_pid),
    "Ranges without bytes": ("memory_range", range_without_bytes),
    "Texts without bytes": ("system_info", text_without_bytes),
    "Signs": ("misc_info", sign),
    "Displacements": ("crash_instruction", displacement),
    "Microdumps without a signal": ("crash_address", no_signal_line),
}
"""Heading, the field that differs, and what has to hold."""

EXPLAINED = {
    ("breakpad-exec-av-on-stack", "A call into data"): 1,
    ("breakpad-microdump-arm64", "Microdumps without a signal"): 1,
    ("breakpad-microdump-mips32", "MIPS"): 2,
    ("breakpad-microdump-withcrashreason", "Deleted files"): 1,
    ("breakpad-thread-name-list", "Callers of system calls"): 5,
    ("electron-linux", "Identities of zeros"): 192,
    ("lldb-y-basic-obj2yaml", "Process 1"): 1,
    ("lldb-y-linux-arm-same-uuids", "Process 1"): 1,
    ("lldb-y-linux-arm-uuids-elf-build-id-16", "Process 1"): 1,
    ("lldb-y-linux-arm-uuids-elf-build-id-20", "Process 1"): 1,
    ("lldb-y-linux-arm-uuids-elf-build-id-zero", "Process 1"): 1,
    ("lldb-y-linux-arm-uuids-no-age", "Process 1"): 1,
    ("lldb-y-linux-arm-uuids-with-age", "Process 1"): 1,
    ("lldb-y-linux-arm-zero-uuids", "Process 1"): 1,
    ("lldb-y-no-process-id", "Process 1"): 1,
    ("llvm-o-get-system-info", "Process 1"): 1,
    ("llvm-o-get-system-info", "Texts without bytes"): 1,
    ("llvm-o-one-range", "Ranges without bytes"): 1,
    ("llvm-o-padded-range", "Ranges without bytes"): 1,
    ("mozilla-android-aarch64", "Frames in data"): 21,
    ("mozilla-android-aarch64", "Identities of zeros"): 381,
    ("mozilla-android-aarch64", "Link registers"): 53,
    ("mozilla-android-aarch64", "Names of threads from elsewhere"): 86,
    ("mozilla-linux-x86-64", "Identities of zeros"): 104,
    ("mozilla-linux-x86-64", "Names of threads from elsewhere"): 112,
    ("mozilla-windows-x86-64", "Frames in data"): 1,
    ("mozilla-windows-x86-64", "Tables that are not in the dump"): 1,
    ("rustmd-macos-inlines-segv", "Displacements"): 1,
    ("rustmd-macos-inlines-segv", "Signs"): 2,
    ("sentry-windows-mini", "Callers of system calls"): 4,
    ("syzygy-use-after-free", "Callers of system calls"): 38,
}

ASKED = {"hard": 1200, "tools": 26900}
"""At least so many fields are compared."""


def differences(about: dict[str, Any], case: Case, asked: Counter[str]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for expectation in about["expectations"]:
        if expectation.get("requires"):
            continue
        for answer in answers(case, expectation):
            asked["hard" if expectation["basis"] in HARD else "tools"] += 1
            if not answer.same:
                reasons = [
                    name for name, (field, holds) in REASONS.items() if field == answer.field and holds(case, answer)
                ]
                assert reasons, f"{case.id} {answer.field}: ours {answer.ours}, theirs {answer.want}"
                found[case.id, reasons[0]] += 1
    return found


def test_only_explained_differences(corpus: Path) -> None:
    asked: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    refused = []
    for about in read_cases(corpus):
        wanted = [e["expected"].get("parse") for e in about["expectations"] if e["basis"] in HARD]
        try:
            case = Case(corpus, about)
        except mdmp.UnusableInputError:
            refused.append(about["id"])
            assert "ok" not in wanted, about["id"]
            continue
        found += differences(about, case, asked)
    assert found == EXPLAINED
    assert all(asked[kind] >= least for kind, least in ASKED.items()), asked
    assert len(refused) < 12, refused


def test_what_is_explained() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "corpus-differences.md").read_text(encoding="utf-8"), re.M)
    assert set(REASONS) <= set(headings)
    assert {reason for _, reason in EXPLAINED} == set(REASONS)
