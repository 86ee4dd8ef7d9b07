"""Crash reasons: records made by hand, our own dumps, and what other tools say of the corpus."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from made_snapshots import make

from mdmp.analysis.choose_thread import choose_exception
from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.reason import crash_reason
from mdmp.dumpfile.load import load
from mdmp.errors import UnusableInputError
from mdmp.snapshot import Annotations, Snapshot


def reason_of(snapshot: Snapshot) -> CrashReason:
    return crash_reason(snapshot, choose_exception(snapshot))


@pytest.mark.parametrize(
    ("code", "parameters", "name", "title"),
    [
        (0xC0000005, (0, 0), "EXCEPTION_ACCESS_VIOLATION_READ", "read from a null pointer"),
        (0xC0000005, (1, 0x18), "EXCEPTION_ACCESS_VIOLATION_WRITE", "write to a null pointer (address 0x18)"),
        (0xC0000005, (8, 0), "EXCEPTION_ACCESS_VIOLATION_EXEC", "jump or call to a null pointer"),
        (0xC0000005, (1, 0x140003000), "EXCEPTION_ACCESS_VIOLATION_WRITE", "write to address 0x140003000"),
        (0xC0000005, (), "EXCEPTION_ACCESS_VIOLATION", "access violation"),
        (
            0xC0000006,
            (0, 0x140003000, 0xC000009C),
            "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_DEVICE_DATA_ERROR",
            "read of a page that could not be read in, at 0x140003000",
        ),
        (0x80000001, (1, 0x140003000), "EXCEPTION_GUARD_PAGE", "write of a guard page, at 0x140003000"),
        (
            0xC0000409,
            (2,),
            "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_STACK_COOKIE_CHECK_FAILURE",
            "a stack buffer overrun was detected (/GS stack cookie)",
        ),
        (
            0xC0000409,
            (0x999,),
            "EXCEPTION_STACK_BUFFER_OVERRUN / 0x00000999",
            "the program stopped itself (fast fail 0x999)",
        ),
        (0xC0000409, (), "STATUS_STACK_BUFFER_OVERRUN", "the program stopped itself (fast fail)"),
        (0xC00000FD, (1, 0x1000), "EXCEPTION_STACK_OVERFLOW", "stack overflow"),
        (0xC0000094, (), "EXCEPTION_INT_DIVIDE_BY_ZERO", "integer division by zero"),
        (0xC0000374, (0x7FF000,), "STATUS_HEAP_CORRUPTION", "heap corruption was detected"),
        (0xE0000008, (), "Out of Memory", "an allocation failed: out of memory"),
        (0xC06D007E, (), "FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND", "a delay-loaded DLL was not found"),
        (0xE0424242, (1,), "unknown 0xe0424242", "exception 0xe0424242 of the application's own"),
        (1, (), "ERROR_INVALID_FUNCTION", "exception 0x1 of the application's own"),
    ],
)
def test_windows_codes(code: int, parameters: tuple[int, ...], name: str, title: str) -> None:
    reason = reason_of(make(code=code, parameters=parameters))
    assert (reason.name, reason.title) == (name, title)
    assert not reason.requested


@pytest.mark.parametrize("code", [0x0517A7ED, 0, 0x40010006, 0x406D1388])
def test_dumps_on_request(code: int) -> None:
    reason = reason_of(make(code=code))
    assert reason.requested
    assert reason.title.startswith("no crash")


def test_an_exception_with_code_0_that_a_program_raised() -> None:
    snapshot = replace(make(code=0), annotations=Annotations(process={"mdmp.fault": "other_exception"}))
    reason = reason_of(snapshot)
    assert not reason.requested
    assert reason.title == "exception 0x0 of the application's own"


def test_no_exception() -> None:
    reason = reason_of(make())
    assert reason.kind == "none"
    assert reason.requested
    assert reason.address is None


def test_the_address_of_32_bit_processes_has_32_bits() -> None:
    reason = reason_of(make(cpu="x86", code=0xC0000005, parameters=(0, 0xFFFFFFFF80001000)))
    assert reason.address == 0x80001000


def test_a_non_canonical_address_is_told() -> None:
    reason = reason_of(make(code=0xC0000005, parameters=(0, 0xFFFFFFFFFFFFFFFF)))
    assert reason.title == "read: a non-canonical address was used"


def descriptor(pointer_size: int, name: bytes) -> bytes:
    return bytes(2 * pointer_size) + name + b"\0"


def catchable(type_at: int, displacement: int = 0) -> bytes:
    return struct.pack("<IIiiiII", 0, type_at, displacement, -1, 0, 24, 0)


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_a_thrown_std_exception_with_its_text(pointer_size: int) -> None:
    cpu = "x86" if pointer_size == 4 else "amd64"
    base = 0x140000000 if pointer_size == 8 else 0
    info, array, kinds, types, thrown, text = 0x5000, 0x5100, 0x5200, 0x5300, 0x90000, 0x91000
    # x86 holds addresses, x64 offsets from the base: with base 0 on x86 both are the same numbers.
    memory = {
        base + info: struct.pack("<IIII", 0, 0, 0, array),
        base + array: struct.pack("<III", 2, kinds, kinds + 0x40),
        base + kinds: catchable(types).ljust(0x40, b"\0") + catchable(types + 0x80, 8),
        base + types: descriptor(pointer_size, b".?AVmy_error@shop@@").ljust(0x80, b"\0")
        + descriptor(pointer_size, b".?AVexception@std@@"),
        thrown: bytes(8 + pointer_size) + text.to_bytes(pointer_size, "little"),
        text: b"no such\n\tcustomer\0",
    }
    parameters = (0x19930520, thrown, base + info, *((base,) if pointer_size == 8 else ()))
    reason = reason_of(make(cpu=cpu, code=0xE06D7363, parameters=parameters, memory=memory))
    assert reason.name == "Unhandled C++ Exception"
    assert reason.thrown == ("shop::my_error", "std::exception")
    assert reason.title == 'uncaught C++ exception shop::my_error: "no such customer"'


def test_a_thrown_object_that_memory_does_not_hold() -> None:
    reason = reason_of(make(code=0xE06D7363, parameters=(0x19930520, 0x1000, 0x140005000, 0x140000000)))
    assert reason.kind == "cpp"
    assert reason.thrown == ()
    assert "its type is not in the dump's memory" in reason.details


def test_an_array_of_types_without_end_is_cut() -> None:
    base = 0x140000000
    memory = {
        base + 0x5000: struct.pack("<IIII", 0, 0, 0, 0x7000),
        base + 0x7000: struct.pack("<I", 0xFFFFFFFF) + struct.pack("<I", 0x5200) * 1000,
        base + 0x5200: catchable(0x5300),
        base + 0x5300: descriptor(8, b".H"),
    }
    reason = reason_of(make(code=0xE06D7363, parameters=(0x19930520, 1, base + 0x5000, base), memory=memory))
    assert reason.thrown[0] == "int"
    assert len(reason.thrown) <= 64


def test_a_rust_panic_on_mingw() -> None:
    reason = reason_of(make(code=0x20474343, parameters=(0x90000,), memory={0x90000: b"TSUR\0ZOM"}))
    assert reason.title == "Rust panic"


def test_a_gcc_throw() -> None:
    memory = {
        0x90000: (0x91000).to_bytes(8, "little") + bytes(72) + b"\0++CCUNG",
        0x91000: bytes(8) + (0x92000).to_bytes(8, "little"),
        0x92000: b"St13runtime_error\0",
    }
    reason = reason_of(make(code=0x20474343, parameters=(0x90050,), memory=memory))
    assert reason.thrown == ("std::runtime_error",)


def test_a_dotnet_exception() -> None:
    reason = reason_of(make(code=0xE0434352, parameters=(0xFFFFFFFF80131509, 0, 0, 0, 0x7FF800000000)))
    assert reason.name == "MANAGED_EXCEPTION_CODE_V4"
    assert reason.title == "uncaught .NET exception System.InvalidOperationException (HRESULT 0x80131509)"
    assert reason.subcode_name == "COR_E_INVALIDOPERATION"


@pytest.mark.parametrize("version", [1, 2])
def test_stowed_exceptions(version: int) -> None:
    first, second = 0x90000, 0x91000
    signature = 0x53453030 + version
    binary = struct.pack("<IIIIQIIQIIQ", 56, signature, 0x80070057, 1 | 40 << 2, 0x140001234, 8, 2, 0x92000, 0, 0, 0)
    text = struct.pack("<IIIIQ", 56, signature, 0x80004005, 2 | 44 << 2, 0x93000).ljust(56, b"\0")
    memory = {
        0x80000: struct.pack("<QQ", first, second),
        first: binary,
        second: text,
        0x92000: struct.pack("<QQ", 0x140001111, 0x140002222),
        0x93000: "no window\0".encode("utf-16-le"),
    }
    reason = reason_of(make(code=0xC000027B, parameters=(0x80000, 2), memory=memory))
    assert reason.kind == "stowed"
    assert reason.subcode == 0x80070057
    assert reason.title == "unhandled Windows Runtime error E_INVALIDARG (0x80070057)"
    assert [("thread 160" in d, "thread 176" in d, "no window" in d) for d in reason.details] == [
        (True, False, False),
        (False, True, True),
    ]


@pytest.mark.parametrize(
    ("code", "flags", "address", "name", "title"),
    [
        (11, 1, 0, "SIGSEGV / SEGV_MAPERR", "invalid memory access: a null pointer"),
        (11, 0, 0x45, "SIGSEGV", "invalid memory access: a null pointer (address 0x45)"),
        (11, 0x80, 0, "SIGSEGV / SI_KERNEL", "invalid memory access"),
        (6, 0xFFFFFFFA, 0x3E8_0000_39BE, "SIGABRT / SI_TKILL", "the program stopped itself with abort()"),
        (8, 1, 0x1000, "SIGFPE / FPE_INTDIV", "arithmetic error: integer division by zero"),
        (5, 0x4C4C4442, 0, "SIGTRAP", "breakpoint or trap instruction"),
        (0xFFFFFFFF, 0, 0, "DUMP_REQUESTED", "no crash: the dump was requested"),
        (77, 3, 0, "unknown 0x0000004d / 0x00000003", "unknown signal 77"),
    ],
)
def test_signals(code: int, flags: int, address: int, name: str, title: str) -> None:
    reason = reason_of(make(os="linux", code=code, flags=flags, address=address))
    assert (reason.name, reason.title) == (name, title)


def test_who_sent_an_abort() -> None:
    reason = reason_of(make(os="linux", code=6, flags=0xFFFFFFFA, address=0x3E8_0000_39BE))
    assert reason.details == ("sent by process 14782, user 1000",)


@pytest.mark.parametrize(
    ("code", "flags", "name"),
    [
        (1, 1, "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS"),
        (2, 1, "EXC_BAD_INSTRUCTION / EXC_I386_INVOP"),
        (5, 0x10002, "EXC_SOFTWARE / SIGABRT"),
        (6, 2, "EXC_BREAKPOINT / EXC_I386_BPT"),
        (10, 0x66, "EXC_CRASH / 0x00000066"),
        (0x43507378, 0, "Simulated Exception"),
        (0, 0, "unknown 0x00000000 / 0x00000000"),
    ],
)
def test_mach_exceptions(code: int, flags: int, name: str) -> None:
    assert reason_of(make(os="macos", code=code, flags=flags)).name == name


def test_our_own_dumps(data: Path) -> None:
    expected = json.loads((data / "windows" / "expected.json").read_text())
    seen = 0
    for name, facts in expected.items():
        path = data / "windows" / name
        record = facts.get("exception")
        if not record or path.suffix != ".dmp":
            continue
        reason = reason_of(load(path))
        seen += 1
        assert f"{reason.code:#x}" == record["code"].lower(), name
        assert reason.access == record.get("access"), name
        assert f"{reason.address:#x}" == (record.get("accessed") or record["address"]), name
    assert seen > 20


def expected_reasons(corpus: Path) -> list[tuple[str, Path, str, str | None]]:
    found = []
    for path in sorted((corpus / "cases").glob("*.json")):
        case = json.loads(path.read_text())
        for entry in case.get("expectations", ()) if case["kind"] == "minidump" else ():
            wanted = entry["expected"]
            reason = wanted.get("crash_reason")
            if wanted.get("crashed", True) and reason and not reason.startswith("0x") and not entry.get("requires"):
                found.append((case["id"], corpus / case["file"], reason, wanted.get("crash_address")))
    return found


def test_the_corpus(corpus: Path) -> None:
    """Reason and address as Breakpad and rust-minidump have them; of the reason the part before the slash."""
    wrong = []
    cases = expected_reasons(corpus)
    for name, path, wanted, address in cases:
        try:
            reason = reason_of(load(path))
        except UnusableInputError as problem:
            wrong.append((name, str(problem)))
            continue
        ours = (reason.name.split("/")[0].strip(), reason.address if address else None)
        theirs = (wanted.split("/")[0].strip(), int(address, 16) if address else None)
        if ours != theirs:
            wrong.append((name, f"{ours} != {theirs}"))
    assert wrong == []
    assert len(cases) > 30
