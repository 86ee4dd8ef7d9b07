"""The faulting instruction in words; the bytes are assembled by hand after the CPU manuals."""

from pathlib import Path

import pytest
from made_snapshots import make

from mdmp.analysis.choose_thread import choose_exception
from mdmp.analysis.instruction import explain_instruction
from mdmp.analysis.instruction_facts import InstructionFacts
from mdmp.analysis.operand import register_value
from mdmp.analysis.reason import crash_reason
from mdmp.analysis.refine import refine
from mdmp.dumpfile.load import load
from mdmp.snapshot import Module, Region, Snapshot

PC = 0x140001000
ALL_ONES = 0xFFFFFFFFFFFFFFFF


def explain(snapshot: Snapshot) -> InstructionFacts:
    exception = choose_exception(snapshot)
    assert exception is not None
    facts = explain_instruction(snapshot, exception.context, crash_reason(snapshot, exception), snapshot.threads[0])
    assert facts is not None
    return facts


def fault(code: str, registers: dict[str, int], kind: int, address: int, cpu: str = "amd64") -> InstructionFacts:
    """An access violation at PC on Windows."""
    pc = {"amd64": "rip", "x86": "eip"}.get(cpu, "pc")
    return explain(
        make(
            cpu=cpu,
            code=0xC0000005,
            parameters=(kind, address),
            registers={**registers, pc: PC & (0xFFFFFFFF if cpu in ("x86", "arm") else ALL_ONES)},
            memory={PC & (0xFFFFFFFF if cpu in ("x86", "arm") else ALL_ONES): bytes.fromhex(code)},
        )
    )


@pytest.mark.parametrize(
    ("code", "registers", "kind", "address", "text", "explanation"),
    [
        # mov [rcx+18h], rax
        (
            "48894118",
            {"rcx": 0, "rax": 7},
            1,
            0x18,
            "mov qword ptr [rcx + 0x18], rax",
            "write of 8 bytes to null + 0x18 through rcx",
        ),
        # mov eax, [rcx]: a field's address that was computed from null before
        ("8b01", {"rcx": 0x24}, 0, 0x24, "mov eax, dword ptr [rcx]", "read of 4 bytes from null + 0x24 through rcx"),
        # call [rax+8]
        (
            "ff5008",
            {"rax": 0, "rsp": 0x9000},
            0,
            8,
            "call qword ptr [rax + 8]",
            "call through a pointer read from null + 0x8 through rax",
        ),
        # jmp [rax]
        ("ff20", {"rax": 0}, 0, 0, "jmp qword ptr [rax]", "jump through a pointer read from null through rax"),
        # push rax below the stack
        (
            "50",
            {"rax": 1, "rsp": 0x14000},
            1,
            0x13FF8,
            "push rax",
            "write of 8 bytes to 0x13ff8: rsp - 0x8 with rsp = 0x14000",
        ),
        # ret
        (
            "c3",
            {"rsp": 0x4141414141414141},
            0,
            ALL_ONES,
            "ret",
            "return address read from 0x4141414141414141: "
            'rsp with rsp = 0x4141414141414141, bytes of text ("AAAAAAAA")',
        ),
        # rep movsb, source bad
        (
            "f3a4",
            {"rsi": 0xFEEEFEEEFEEEFEEE, "rdi": 0x50000, "rcx": 5},
            0,
            ALL_ONES,
            "rep movsb byte ptr [rdi], byte ptr [rsi]",
            "read of 1 byte from 0xfeeefeeefeeefeee: "
            "rsi with rsi = 0xfeeefeeefeeefeee, memory freed by HeapFree (debug heap)",
        ),
        # stosq
        (
            "48ab",
            {"rdi": 0x20000, "rax": 0},
            1,
            0x20000,
            "stosq qword ptr [rdi], rax",
            "write of 8 bytes to 0x20000 through rdi",
        ),
        # mov rax, gs:[30h] with a TEB that is not known
        ("65488b042530000000", {}, 0, 0x30, "mov rax, qword ptr gs:[0x30]", None),
        # mov rax, [rip+12h]
        (
            "488b0512000000",
            {},
            0,
            PC + 7 + 0x12,
            "mov rax, qword ptr [rip + 0x12]",
            "read of 8 bytes from 0x140001019 (rip + 0x12); that is inside app.exe+0x1019",
        ),
        # mov eax, [rax+rcx*4]
        (
            "8b0488",
            {"rax": 0, "rcx": 9},
            0,
            0x24,
            "mov eax, dword ptr [rax + rcx*4]",
            "read of 4 bytes from 0x24: rax + rcx*4 with rax = null (rcx = 0x9)",
        ),
        # lea does not touch memory
        ("488d4108", {"rcx": 0}, 0, 8, "lea rax, [rcx + 8]", None),
    ],
)
def test_amd64(
    code: str, registers: dict[str, int], kind: int, address: int, text: str, explanation: str | None
) -> None:
    facts = fault(code, registers, kind, address)
    assert facts.text == text
    assert facts.explanation == explanation


def test_the_address_is_recovered_from_the_operands() -> None:
    facts = fault("48894118", {"rcx": 0xDDDDDDDDDDDDDDDD, "rax": 7}, 0, ALL_ONES)
    assert facts.fault_address == 0xDDDDDDDDDDDDDDF5
    assert facts.register == "rcx"
    assert facts.pattern is not None
    assert facts.pattern.kind == "freed"


def test_x86_and_its_thread_block() -> None:
    facts = fault("8b4010", {"eax": 0}, 0, 0x10, "x86")
    assert facts.explanation == "read of 4 bytes from null + 0x10 through eax"
    assert fault("64a118000000", {}, 0, 0x18, "x86").explanation is None


@pytest.mark.parametrize(
    ("code", "registers", "kind", "address", "text", "explanation"),
    [
        ("000840f9", {"x0": 0}, 0, 0x10, "ldr x0, [x0, #0x10]", "read of 8 bytes from null + 0x10 through x0"),
        ("fd7bbfa9", {"sp": 0x8000}, 1, 0x7FF0, "stp x29, x30, [sp, #-0x10]!", None),
        (
            "000040b9",
            {"x0": 0x7F0012345678},
            0,
            0x7F0012345678,
            "ldr w0, [x0]",
            "read of 4 bytes from 0x7f0012345678 through x0",
        ),
    ],
)
def test_arm64(
    code: str, registers: dict[str, int], kind: int, address: int, text: str, explanation: str | None
) -> None:
    facts = fault(code, registers, kind, address, "arm64")
    assert facts.text == text
    if explanation:
        assert facts.explanation == explanation
    else:
        assert facts.accesses[0].address == address
        assert facts.accesses[0].size == 16


def test_arm_thumb_and_arm() -> None:
    assert fault("0868", {"r1": 0, "cpsr": 0x20}, 0, 0, "arm").text == "ldr r0, [r1]"
    assert fault("000091e5", {"r1": 0, "cpsr": 0}, 0, 0, "arm").text == "ldr r0, [r1]"


def test_a_call_to_no_code_names_the_caller() -> None:
    snapshot = make(
        code=0xC0000005,
        parameters=(8, 0xBAD0BAD),
        registers={"rip": 0xBAD0BAD, "rsp": 0x9000},
        memory={0x9000: (0x140001234).to_bytes(8, "little")},
    )
    facts = explain(snapshot)
    assert facts.bad_target
    assert facts.explanation == "the program was sent to 0xbad0bad; the call came from app.exe+0x1234"
    assert facts.accesses[0].access == "execute"


def test_division() -> None:
    snapshot = make(code=0xC0000094, registers={"rip": PC, "rcx": 0x1_0000_0000}, memory={PC: bytes.fromhex("f7f9")})
    assert explain(snapshot).explanation == "division by ecx, which is 0"


def test_division_by_memory() -> None:
    snapshot = make(
        os="linux", code=8, registers={"rip": PC, "rbp": 0x9010}, memory={PC: bytes.fromhex("f77dfc"), 0x900C: bytes(4)}
    )
    facts = explain(snapshot)
    exception = choose_exception(snapshot)
    assert facts.explanation == "division by rbp - 0x4, which is 0"
    assert refine(crash_reason(snapshot, exception), facts).title == "integer division by zero"


def test_linux_does_not_tell_the_access_but_the_instruction_does() -> None:
    snapshot = make(
        os="linux",
        code=11,
        flags=1,
        address=0x18,
        registers={"rip": PC, "rcx": 0},
        memory={PC: bytes.fromhex("48894118")},
    )
    facts = explain(snapshot)
    reason = refine(crash_reason(snapshot, choose_exception(snapshot)), facts)
    assert (reason.access, reason.title) == ("write", "write to a null pointer (address 0x18)")
    assert reason.name == "SIGSEGV / SEGV_MAPERR"


def test_linux_does_not_tell_non_canonical_addresses_but_the_operands_do() -> None:
    snapshot = make(
        os="linux",
        code=11,
        flags=0x80,
        address=0,
        registers={"rip": PC, "rcx": 0x4242424242424242},
        memory={PC: bytes.fromhex("8b01")},
    )
    facts = explain(snapshot)
    reason = refine(crash_reason(snapshot, choose_exception(snapshot)), facts)
    assert facts.fault_address == 0x4242424242424242
    assert reason.title == 'read from address 0x4242424242424242, bytes of text ("BBBBBBBB")'
    assert reason.address == 0


def test_guard_pages_are_marked() -> None:
    snapshot = make(
        code=0xC0000005,
        parameters=(1, 0x20000),
        registers={"rip": PC, "rdi": 0x20000},
        memory={PC: bytes.fromhex("aa")},
        regions=(Region(0x20000, 0x1000, "commit", "rw-", guard=True),),
    )
    facts = explain(snapshot)
    assert facts.accesses[0].is_likely_guard_page
    assert facts.explanation == "write of 1 byte to 0x20000 through rdi; that is in a guard page"


def test_bytes_that_are_no_instruction_and_bytes_that_are_missing() -> None:
    broken = make(code=0xC000001D, registers={"rip": PC}, memory={PC: b"\xff\xff\xff\xff"})
    assert explain(broken).text is None
    assert explain(broken).bytes_known
    assert not explain(make(code=0xC000001D, registers={"rip": PC})).bytes_known


def test_parts_of_registers() -> None:
    registers = {"rax": 0x1122334455667788, "r8": 0xAABBCCDDEEFF0011}
    wanted = {"rax": 0x1122334455667788, "eax": 0x55667788, "ax": 0x7788, "al": 0x88, "ah": 0x77}
    wanted |= {"r8d": 0xEEFF0011, "r8w": 0x0011, "r8b": 0x11}
    assert {name: register_value(name, registers) for name in wanted} == wanted
    assert register_value("rbx", registers) is None
    assert register_value("w3", {"x3": 0x1_0000_0002}) == 2
    assert register_value("fp", {"x0": 0, "x29": 5}) == 5
    assert register_value("fp", {"r0": 0, "r11": 6}) == 6


@pytest.mark.parametrize(
    ("name", "explanation"),
    [
        ("null_write_x64", "write of 4 bytes to null + 0x18 through rax"),
        ("null_read_x86", "read of 4 bytes from null + 0x24 through ecx"),
        ("divide_by_zero_x64", "division by ecx, which is 0"),
        ("null_call_x64", "the program was sent to null; the call came from faults.exe+0x1943"),
    ],
)
def test_our_own_dumps(data: Path, name: str, explanation: str) -> None:
    assert explain(load(data / "windows" / f"{name}.dmp")).explanation == explanation


def test_a_module_is_named_where_an_address_lies() -> None:
    module = Module(0x140000000, 0x10000, r"C:\app\app.exe", os="windows")
    snapshot = make(
        code=0xC0000005,
        parameters=(1, 0x140003000),
        registers={"rip": PC, "rdi": 0x140003000},
        memory={PC: bytes.fromhex("aa")},
        modules=(module,),
    )
    assert explain(snapshot).explanation == "write of 1 byte to 0x140003000 through rdi; that is inside app.exe+0x3000"
