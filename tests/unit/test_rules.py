"""Findings: for each kind a case made by hand that has it, and our own dumps."""

from pathlib import Path

import pytest
from made_frames import stack, thread
from made_snapshots import make

from mdmp.analysis.blame import blame
from mdmp.analysis.choose_thread import choose_exception
from mdmp.analysis.instruction import explain_instruction
from mdmp.analysis.reason import crash_reason
from mdmp.analysis.refine import refine
from mdmp.analysis.rules.case import Case
from mdmp.analysis.rules.table import FALLBACKS, RULES, find_all
from mdmp.api import analyze, open_dump
from mdmp.report import Finding, ThreadReport
from mdmp.snapshot import Annotations, Module, Region, Snapshot, UnloadedModule

PC = 0x140001000
ALL_ONES = 0xFFFFFFFFFFFFFFFF
CATEGORIES = {"memory corruption", "pointer misuse", "logic error", "resource", "environment", "no crash"}

Places = tuple[tuple[str | None, str | None], ...]
APP: Places = (("app.exe", "app::f"), ("app.exe", "main"))


def findings(snapshot: Snapshot, places: Places = APP, threads: tuple[ThreadReport, ...] = ()) -> tuple[Finding, ...]:
    exception = choose_exception(snapshot)
    seen = snapshot.threads[0]
    context = exception.context if exception and exception.context else seen.context
    reported = crash_reason(snapshot, exception)
    facts = explain_instruction(snapshot, context, reported, seen)
    reason = refine(reported, facts)
    registers = dict(context.registers) if context else {}
    frames = tuple(
        type(f)(**{**{name: getattr(f, name) for name in f.__slots__}, "stack_pointer": registers.get("rsp")})
        if f.index == 0
        else f
        for f in stack(*places)
    )
    walked = ThreadReport(0, seen.tid, None, frames, "made by hand")
    case = Case(
        snapshot, reason, facts, seen, walked, threads or (walked,), blame(0, frames, reason=reason), snapshot.memory
    )
    return find_all(case)


def kinds(snapshot: Snapshot, places: Places = APP) -> list[str]:
    return [finding.kind for finding in findings(snapshot, places)]


def access(code: str, registers: dict[str, int], kind: int, address: int, **more: object) -> Snapshot:
    """An access violation of the instruction `code` at PC."""
    memory = {PC: bytes.fromhex(code)} if code else {}
    memory |= more.pop("memory", {})  # type: ignore[arg-type]
    return make(
        code=0xC0000005,
        parameters=(kind, address),
        registers={"rip": PC, **registers},
        memory=memory,
        **more,  # type: ignore[arg-type]
    )


def test_null_dereference() -> None:
    found = findings(access("48894118", {"rcx": 0}, 1, 0x18))
    assert [f.kind for f in found] == ["null-dereference"]
    assert found[0].confidence == "certain"
    assert found[0].title == "write through a null pointer (a field at offset 0x18)"


def test_a_small_number_is_not_certainly_null() -> None:
    found = findings(access("8b01", {"rcx": 0x24}, 0, 0x24))
    assert (found[0].kind, found[0].confidence) == ("null-dereference", "likely")
    assert found[0].against


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0xDDDDDDDDDDDDDDDD, "use-after-free"),
        (0xFEEEFEEEFEEEFEEE, "use-after-free"),
        (0xCDCDCDCDCDCDCDCD, "uninitialized-memory"),
        (0x6D614E7265737562, "text-as-pointer"),
        (0xABABABABABABABAB, "read-past-block"),
        (0x8123456789ABCDE0, "non-canonical-pointer"),
    ],
)
def test_values_that_tell(value: int, kind: str) -> None:
    assert kinds(access("48894118", {"rcx": value}, 0, ALL_ONES)) == [kind]


def test_a_stray_pointer_is_called_no_more_than_that() -> None:
    found = findings(access("8b01", {"rcx": 0x123456789}, 0, 0x123456789))
    assert [(f.kind, f.confidence) for f in found] == [("invalid-pointer", "possible")]


def test_calls_to_null_and_to_data() -> None:
    null = make(code=0xC0000005, parameters=(8, 0), registers={"rip": 0, "rsp": 0x9000})
    assert kinds(null) == ["null-call"]
    wild = make(code=0xC0000005, parameters=(8, 0xBAD0BAD), registers={"rip": 0xBAD0BAD, "rsp": 0x9000})
    assert kinds(wild) == ["wild-jump"]


def test_a_call_into_a_module_that_is_gone() -> None:
    snapshot = make(code=0xC0000005, parameters=(8, 0x7FF800001234), registers={"rip": 0x7FF800001234, "rsp": 0x9000})
    gone = UnloadedModule(0x7FF800000000, 0x10000, r"C:\app\plugin.dll")
    snapshot = Snapshot(**{**snapshot.__dict__, "unloaded_modules": (gone,)})
    found = findings(snapshot)
    assert [f.kind for f in found] == ["unloaded-code"]
    assert found[0].title == "call into plugin.dll after it was unloaded"


def test_a_return_address_of_text() -> None:
    """32-bit: the return was taken. 64-bit: the processor refuses it at the `ret` itself."""
    taken = make(
        cpu="x86",
        code=0xC0000005,
        parameters=(8, 0x41414141),
        registers={"eip": 0x41414141, "esp": 0x9004},
        memory={0x9000: b"AAAABBBBCCCC"},
    )
    refused = access("c3", {"rsp": 0x9000}, 0, ALL_ONES, memory={0x9000: b"AAAAAAAABBBBBBBB"})
    for snapshot in (taken, refused):
        found = findings(snapshot)
        assert [f.kind for f in found] == ["smashed-return-address"]
        assert "text" in found[0].title


def test_stack_overflow_by_its_code_and_by_its_address() -> None:
    recursion: Places = (("app.exe", "app::walk"),) * 20
    assert kinds(make(code=0xC00000FD, registers={"rip": PC}), recursion) == ["stack-overflow"]
    stack_memory = Region(0x100000, 0x8000, "commit", "rw-")
    below = access("50", {"rsp": 0x100000}, 1, 0xFFFF8, regions=(stack_memory,))
    found = findings(below, recursion)
    assert found[0].kind == "stack-overflow"
    assert found[0].title == "stack overflow by endless recursion in app::walk"


def test_an_access_near_the_stack_pointer_inside_the_stack_is_no_overflow() -> None:
    stack_memory = Region(0x100000, 0x8000, "commit", "r--")
    inside = access("50", {"rsp": 0x104000}, 1, 0x103FF8, regions=(stack_memory,))
    assert "stack-overflow" not in kinds(inside)


def test_writes_to_what_may_only_be_read() -> None:
    by_region = access(
        "aa", {"rdi": 0x20000}, 1, 0x20000, regions=(Region(0x20000, 0x1000, "commit", "r--", kind="image"),)
    )
    assert kinds(by_region) == ["write-to-read-only"]
    assert kinds(access("aa", {"rdi": 0x140003000}, 1, 0x140003000)) == ["write-to-read-only"]


def test_a_copy_past_the_end() -> None:
    regions = (Region(0x20000, 0x1000, "commit", "rw-"), Region(0x21000, 0x1000, "reserve", ""))
    assert kinds(access("f3a4", {"rdi": 0x21000, "rsi": 0x30000}, 1, 0x21000, regions=regions)) == ["buffer-overrun"]


def test_misaligned_vector_access() -> None:
    # movaps xmm0, [rcx]: reported as -1 like an impossible address
    found = kinds(access("0f2801", {"rcx": 0x20008}, 0, ALL_ONES))
    assert found[0] == "misaligned-vector-access"


def test_a_flipped_bit() -> None:
    flipped = 0x0000_7FF6_A1B2_0000 | 1 << 55
    regions = (Region(0x7FF6A1B20000, 0x1000, "commit", "rw-"),)
    found = findings(access("8b01", {"rcx": flipped}, 0, ALL_ONES, regions=regions))
    assert [f.kind for f in found] == ["non-canonical-pointer", "bit-flip"]
    assert found[1].confidence == "possible"


@pytest.mark.parametrize(
    ("code", "parameters", "places", "kind"),
    [
        (0xC0000374, (), (("ntdll.dll", "RtlReportFatalFailure"), *APP), "heap-corruption"),
        (0xC0000409, (50,), APP, "heap-corruption"),
        (0xC0000409, (2,), APP, "stack-buffer-overrun"),
        (0xC0000409, (3,), APP, "list-corruption"),
        (0xC0000409, (5,), APP, "invalid-parameter"),
        (0xC0000409, (7,), (("ucrtbase.dll", "abort"), *APP), "deliberate-stop"),
        (0xC0000409, (7,), (("ucrtbase.dll", "abort"), ("ucrtbase.dll", "terminate"), *APP), "uncaught-exception"),
        (0xC0000409, (7,), (("ucrtbase.dll", "abort"), ("vcruntime140.dll", "_purecall"), *APP), "pure-virtual-call"),
        (0xE06D7363, (), APP, "uncaught-exception"),
        (0xE0434352, (0x80131509,), APP, "uncaught-exception"),
        (0xE0000008, (1 << 40,), APP, "out-of-memory"),
        (0xC0000017, (), APP, "out-of-memory"),
        (0xC0000094, (), APP, "divide-by-zero"),
        (0xC0000006, (0, 0x1000000, 0xC000009C), APP, "page-not-readable"),
        (0xC06D007E, (), APP, "missing-dll"),
        (0xC0000008, (), APP, "invalid-handle"),
        (0xC0000096, (), APP, "privileged-instruction"),
        (0x80000003, (), APP, "deliberate-stop"),
        (0xE0424242, (), APP, "own-exception"),
        (0x0517A7ED, (), APP, "no-crash"),
        (
            0x20474343,
            (0x90000,),
            (("app.exe", "rust_panic"), ("app.exe", "core::panicking::panic_fmt"), *APP),
            "rust-panic",
        ),
    ],
)
def test_codes(code: int, parameters: tuple[int, ...], places: Places, kind: str) -> None:
    assert kinds(make(code=code, parameters=parameters), places)[0] == kind


@pytest.mark.parametrize(
    ("code", "flags", "places", "kind"),
    [
        (
            6,
            0xFFFFFFFA,
            (("libc.so.6", "abort"), ("libc.so.6", "malloc_printerr"), ("app", "app::f")),
            "heap-corruption",
        ),
        (
            6,
            0xFFFFFFFA,
            (("libc.so.6", "abort"), ("libc.so.6", "__stack_chk_fail"), ("app", "app::f")),
            "stack-buffer-overrun",
        ),
        (
            6,
            0xFFFFFFFA,
            (("libc.so.6", "abort"), ("libstdc++.so.6", "std::terminate()"), ("app", "app::f")),
            "uncaught-exception",
        ),
        (6, 0xFFFFFFFA, (("libc.so.6", "__assert_fail"), ("app", "app::f")), "assertion"),
        (8, 1, APP, "divide-by-zero"),
        (7, 2, APP, "page-not-readable"),
        (4, 2, APP, "illegal-instruction"),
    ],
)
def test_signals(code: int, flags: int, places: Places, kind: str) -> None:
    assert kinds(make(os="linux", code=code, flags=flags, address=0x1000000), places)[0] == kind


def test_instructions_of_newer_processors() -> None:
    # vzeroupper
    snapshot = make(code=0xC000001D, registers={"rip": PC}, memory={PC: bytes.fromhex("c5f877")})
    found = findings(snapshot)
    assert [f.kind for f in found] == ["unsupported-instruction"]
    assert found[0].category == "environment"


def test_the_name_of_a_missing_dll() -> None:
    info = bytes(24) + (0x91000).to_bytes(8, "little")
    snapshot = make(code=0xC06D007E, parameters=(0x90000,), memory={0x90000: info, 0x91000: b"codec.dll\0"})
    assert "the DLL is codec.dll" in findings(snapshot)[0].evidence


def test_a_recorded_assertion() -> None:
    snapshot = make(code=0x80000003, registers={"rip": PC}, memory={PC: b"\xcc"})
    snapshot = Snapshot(
        **{**snapshot.__dict__, "annotations": Annotations(assertion="count > 0, file cart.cpp, line 5")}
    )
    found = findings(snapshot)
    assert found[0].title == "assertion failed: count > 0, file cart.cpp, line 5"
    assert found[0].confidence == "certain"


def test_a_debuggers_break_is_no_crash() -> None:
    ntdll = Module(0x7FF800000000, 0x100000, r"C:\Windows\System32\ntdll.dll", os="windows")
    snapshot = make(code=0x80000003, address=0x7FF800001000, modules=(ntdll,))
    found = findings(snapshot, (("ntdll.dll", "DbgBreakPoint"), ("ntdll.dll", "DbgUiRemoteBreakin")))
    assert [(f.kind, f.category, f.confidence) for f in found] == [("debugger-break", "no crash", "certain")]


def critical_section(owner: int) -> bytes:
    """RTL_CRITICAL_SECTION on 64-bit Windows, held once, with a waiter."""
    lock_count = (-6).to_bytes(4, "little", signed=True)
    return bytes(8) + b"\xff" * 0 + lock_count + (1).to_bytes(4, "little") + owner.to_bytes(8, "little") + bytes(16)


def waiting(tid: int, index: int, stack_at: int) -> ThreadReport:
    places: Places = (
        ("ntdll.dll", "NtWaitForAlertByThreadId"),
        ("ntdll.dll", "RtlEnterCriticalSection"),
        ("app.exe", "take_both"),
    )
    made = thread(tid, *places, index=index)
    top = made.frames[0]
    moved = type(top)(**{**{name: getattr(top, name) for name in top.__slots__}, "stack_pointer": stack_at})
    return ThreadReport(index, tid, None, (moved, *made.frames[1:]), made.stop)


def test_a_deadlock() -> None:
    first, second = 0x50000, 0x51000
    snapshot = make(
        memory={
            first: critical_section(100),
            second: critical_section(200),
            0x8000: bytes(16) + second.to_bytes(8, "little") + bytes(8),
            0x9000: bytes(32) + first.to_bytes(8, "little") + bytes(8),
        }
    )
    found = findings(snapshot, threads=(waiting(100, 0, 0x8000), waiting(200, 1, 0x9000)))
    deadlock = found[0]
    assert (deadlock.kind, deadlock.confidence) == ("deadlock", "certain")
    assert (
        "thread 100 waits in take_both (RtlEnterCriticalSection) for the lock at 0x51000, which thread 200 holds"
        in (deadlock.evidence)
    )


def test_waiting_for_locks_without_a_circle() -> None:
    snapshot = make(memory={0x8000: bytes(8), 0x9000: bytes(8)})
    found = findings(snapshot, threads=(waiting(100, 0, 0x8000), waiting(200, 1, 0x9000)))
    assert [f.kind for f in found] == ["no-crash", "lock-contention"]


def test_every_rule_bears_an_empty_case() -> None:
    """A dump with nothing in it: no thread context, no frames, no memory."""
    for os in ("windows", "linux", "macos", "unknown"):
        for code in (None, 0, 1, 6, 11, 0xC0000005, 0xC00000FD, 0xE06D7363):
            snapshot = make(os=os, code=code, modules=())
            reason = crash_reason(snapshot, choose_exception(snapshot))
            case = Case(snapshot, reason, None, None, None, (), None, snapshot.memory)
            for rule in (*RULES, *FALLBACKS):
                found = rule(case)
                assert found is None or found.category in CATEGORIES


OUR_DUMPS = {
    "null_write": "null-dereference",
    "null_read": "null-dereference",
    "freed_pointer": "use-after-free",
    "write_readonly": "write-to-read-only",
    "wild_jump": "wild-jump",
    "null_call": "null-call",
    "execute_data": "wild-jump",
    "divide_by_zero": "divide-by-zero",
    "illegal_instruction": "deliberate-stop",
    "privileged_instruction": "privileged-instruction",
    "breakpoint": "deliberate-stop",
    "fast_fail": "list-corruption",
    "seh_then_custom": "own-exception",
    "cpp_throw": "uncaught-exception",
    "deadlock": "no-crash",
}


@pytest.mark.parametrize("cpu", ["x64", "x86"])
@pytest.mark.parametrize("name", OUR_DUMPS)
def test_our_own_dumps(data: Path, name: str, cpu: str) -> None:
    report = analyze(open_dump(data / "windows" / f"{name}_{cpu}.dmp"))
    assert report.findings[0].kind == OUR_DUMPS[name]
    for finding in report.findings:
        assert finding.category in CATEGORIES
        assert finding.evidence


def test_every_kind_is_documented() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs" / "analysis.md").read_text()
    for path in (root / "src" / "mdmp" / "analysis" / "rules").glob("*.py"):
        for line in path.read_text().splitlines():
            if line.strip().startswith("kind="):
                for kind in line.split('"')[1::2]:
                    assert f"`{kind}`" in text, kind


def test_a_bad_access_in_a_rust_program_is_no_panic() -> None:
    places = (("app", "app::raise"), ("app", "std::panicking::try::do_call"), ("app", "std::panic::catch_unwind"))
    assert "rust-panic" not in kinds(make(parameters=(1, 0)), places)
    assert "rust-panic" not in kinds(make(code=0x80000003), places)
