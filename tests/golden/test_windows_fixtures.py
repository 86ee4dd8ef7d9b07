"""Every Windows dump of ours, from the file to the report, against `expected.json`, which mdmp had no part in."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mdmp
from mdmp.report.model import Frame, ThreadReport

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
CRASHES = [name for name, entry in EXPECTED.items() if entry["exception"]]
FULL = "cpp_throw_full_x64.dmp.xz"

REASONS = {
    "access violation": "EXCEPTION_ACCESS_VIOLATION_",
    "breakpoint": "EXCEPTION_BREAKPOINT",
    "integer divide by zero": "EXCEPTION_INT_DIVIDE_BY_ZERO",
    "illegal instruction": "EXCEPTION_ILLEGAL_INSTRUCTION",
    "privileged instruction": "EXCEPTION_PRIV_INSTRUCTION",
    "stack overflow": "EXCEPTION_STACK_OVERFLOW",
    "fast fail": "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_CORRUPT_LIST_ENTRY",
    "C++ exception": "Unhandled C++ Exception",
    "a code of the program's own": "unknown 0xe0424242",
}

BLAME = {
    "null_write": ("shop::LoyaltyAccount::add", "customer.h"),
    "folded": ("Gauge<unsigned int>::set", "folded.cpp"),
    "callback": ("on_pixel", "host.c"),
    "null_read": ("settings_volume", "memory.c"),
    "freed_pointer": ("sum_of_ids", "memory.c"),
    "write_readonly": ("capitalize", "memory.c"),
    "wild_jump": ("dispatch", "control.c"),
    "null_call": ("dispatch", "control.c"),
    "execute_data": ("run_script", "control.c"),
    "breakpoint": ("check", "control.c"),
    "illegal_instruction": ("unreachable_state", "control.c"),
    "privileged_instruction": ("wait_for_interrupt", "control.c"),
    "divide_by_zero": ("average", "control.c"),
    "fast_fail": ("unlink", "control.c"),
    "seh_then_custom": ("report_damage", "control.c"),
    "deep_inline": ("fetch", "shapes.c"),
    "dynamic_frame": ("checksum", "shapes.c"),
    "big_frame": ("sort_rows", "shapes.c"),
    "saved_registers": ("measure", "shapes.c"),
    "tail_call": ("write_block", "shapes.c"),
    "named_threads": ("length_of", "threads.c"),
    "deadlock": ("take_both", "threads.c"),
    "cpp_throw": ("app::Config::parse_line", "throw.cpp"),
    "stack_overflow": ("files_above", "memory.c"),
    "stack_probe": ("render_level", "memory.c"),
}
"""The innermost function of the program that a person would look at first, by fault."""

CAUSES = {
    "null_write": "null-dereference",
    "freed_pointer": "use-after-free",
    "write_readonly": "write-to-read-only",
    "wild_jump": "wild-jump",
    "null_call": "null-call",
    "execute_data": "wild-jump",
    "breakpoint": "deliberate-stop",
    "divide_by_zero": "divide-by-zero",
    "fast_fail": "list-corruption",
    "seh_then_custom": "own-exception",
    "cpp_throw": "uncaught-exception",
    "stack_overflow": "stack-overflow",
    "stack_probe": "stack-overflow",
    "privileged_instruction": "privileged-instruction",
    "illegal_instruction": "deliberate-stop",
}

GUESSES = {"scan", "cfi_scan"}

Report = Callable[[str], mdmp.Report]


def crashing(report: mdmp.Report) -> ThreadReport:
    assert report.crashing_thread is not None
    return report.threads[report.crashing_thread]


@pytest.mark.parametrize("name", CRASHES)
def test_what_happened(name: str, windows_report: Report) -> None:
    report, expected = windows_report(name), EXPECTED[name]["exception"]
    crash = report.crash
    assert crash.reason.startswith(REASONS[expected["meaning"]])
    assert crash.code == int(expected["code"], 16)
    assert crash.parameters == tuple(int(p, 16) for p in expected["parameters"])
    assert crash.access == expected.get("access")
    assert crash.address == int(expected.get("accessed") or expected["address"], 16)
    assert crashing(report).tid == expected["thread_id"]
    assert not crash.requested
    assert not report.issues


@pytest.mark.parametrize("name", EXPECTED)
def test_the_threads(name: str, windows_report: Report) -> None:
    report, expected = windows_report(name), EXPECTED[name]
    assert len(report.threads) == expected["thread_count"]
    names = {thread.tid: thread.name for thread in report.threads}
    for thread in expected["threads"]:
        assert (names[thread["thread_id"]] or None) == thread["name"]
    assert report.cpu == expected["cpu"]
    assert report.main_module is not None
    assert report.modules[report.main_module].name == expected["program"]


def test_a_dump_on_request_is_no_crash(windows_report: Report) -> None:
    for name in EXPECTED.keys() - set(CRASHES):
        report = windows_report(name)
        assert report.crash.code is None
        assert report.crash.requested
        assert [finding.kind for finding in report.findings] == ["no-crash"]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_frames(name: str, windows_report: Report) -> None:
    """Frame by frame as long as the images are at hand; behind that the right frames, with guesses between them."""
    threads = {thread.tid: thread for thread in windows_report(name).threads}
    is_amd64 = EXPECTED[name]["cpu"] == "amd64"
    for thread in EXPECTED[name]["threads"]:
        found = iter(threads[thread["thread_id"]].frames)
        certain = True
        for want in physical(thread["frames"]):
            if not certain and not has_image(want) and thread is not EXPECTED[name]["threads"][0]:
                continue  # who waits where in the system is of no account
            frame = next(found)
            if not certain or want.get("gap_before"):
                while frame.instruction != int(want["pc"], 16):
                    assert frame.trust in GUESSES or not has_image({"module": frame.module}), (frame, want)
                    frame = next(found)
            assert_frame(frame, want)
            if certain and is_amd64:
                assert frame.trust == ("cfi" if frame.index else "context")
            if certain or is_amd64:
                assert f"{frame.stack_pointer:#x}" == want["sp"] or want.get("repeat")  # of the first one only
            certain = certain and has_image(want)


def has_image(frame: dict[str, Any]) -> bool:
    """Whether the way to its caller is known for certain: from the image, or because a jump led to where no code is."""
    return frame["module"] is None or (FOLDER / frame["module"]).is_file()


def physical(frames: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The frames as the stack holds them: repeated ones unfolded, inlined functions inside the one that holds them."""
    inlined: list[dict[str, Any]] = []
    for frame in frames:
        if frame.get("inline"):
            inlined.append(frame)
            continue
        for _ in range(frame.get("repeat", 1)):
            yield {**frame, "inlined": inlined}
        inlined = []


def assert_frame(frame: Frame, want: dict[str, Any]) -> None:
    assert f"{frame.instruction:#x}" == want["pc"]
    assert frame.module == want["module"]
    if want["module"]:
        assert frame.module_offset == int(want["offset"], 16) - (frame.index > 0)
    if "export" in want:
        assert frame.function in (None, want["export"])
        return
    assert frame.function in (want["function"], *want.get("aliases", ()))
    assert (frame.file, frame.line) == (want.get("file"), want.get("line"))
    chain = [(f["function"], f["file"], f["line"]) for f in want["inlined"]]
    assert [(inline.function, inline.file, inline.line) for inline in frame.inlines] == chain


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_to_blame(name: str, windows_report: Report) -> None:
    report, fault = windows_report(name), EXPECTED[name]["fault"]
    blame = report.blame
    assert blame is not None
    assert blame.thread_index == report.crashing_thread
    function, file = BLAME[fault]
    assert blame.function == function
    assert blame.file == f"C:\\shop\\{file}"
    innermost = crashing(report).frames[blame.frame_index].innermost
    assert innermost is not None
    assert (innermost.function, innermost.line) == (blame.function, blame.line)
    if fault in CAUSES:
        assert CAUSES[fault] in [finding.kind for finding in report.findings]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("null_write_x64.dmp", "null_write_wine10_x64.dmp"),
        ("saved_registers_x64.dmp", "saved_registers_wine8_x64.dmp"),
        ("cpp_throw_x64.dmp", FULL),
    ],
)
def test_one_crash_on_two_systems_has_one_signature(name: str, same: str, windows_report: Report) -> None:
    one, other = windows_report(name), windows_report(same)
    assert one.signature == other.signature
    assert one.failure_id_hash == other.failure_id_hash


def test_images_that_only_the_dump_holds(windows_dump: Callable[[str], Path], tmp_path: Path) -> None:
    """Nothing but the dump: the tables and exports of every module come out of the memory it keeps."""
    lonely = shutil.copy(windows_dump(FULL), tmp_path)
    frames = crashing(mdmp.analyze(mdmp.open_dump(lonely))).frames
    expected = list(physical(EXPECTED[FULL]["threads"][0]["frames"]))
    assert [frame.trust for frame in frames] == ["context"] + ["cfi"] * (len(expected) - 1)
    for frame, want in zip(frames, expected, strict=True):
        assert f"{frame.instruction:#x}" == want["pc"]
        assert f"{frame.stack_pointer:#x}" == want["sp"]
        assert (frame.module, frame.module_offset) == (want["module"], int(want["offset"], 16) - (frame.index > 0))
        assert frame.function == want.get("export"), "faults.exe exports nothing, and its PDB is not here"
        assert frame.missing_symbols
        assert (frame.file, frame.line, frame.inlines) == (None, None, ())
    assert [frame.function for frame in frames[:2]] == ["RaiseException", "_CxxThrowException"]
