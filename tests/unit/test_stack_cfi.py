"""The step to the caller by STACK CFI rules."""

import pytest

from mdmp.arch import AMD64, ARM64, X86
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.unwind.stack_cfi import apply_stack_cfi

MEMORY = {0x7000: 0x1234, 0x7008: 0x400100, 0x7010: 0x55}


def rules(**texts: str) -> dict[str, tuple[str, ...]]:
    names = {"cfa": ".cfa", "ra": ".ra"}
    return {names.get(name, f"${name}"): tuple(text.split()) for name, text in texts.items()}


def test_amd64() -> None:
    registers = {"rsp": 0x7000, "rbp": 0x9999, "rbx": 0xB, "rax": 0xA, "rip": 0x400000}
    table = rules(cfa="$rsp 16 +", ra=".cfa -8 + ^", rbp=".cfa -16 + ^")
    assert apply_stack_cfi(table, registers, MEMORY.get, AMD64.saved_sysv, AMD64) == {
        "rip": 0x400100,
        "rsp": 0x7010,
        "rbp": 0x1234,
        "rbx": 0xB,
    }


def test_arm64_writes_registers_without_a_dollar_sign() -> None:
    registers = {"sp": 0x7000, "x29": 0x9999, "x30": 0x400200, "pc": 0x400000}
    table = {".cfa": ("sp", "0", "+"), ".ra": ("x30",), "fp": (".cfa", "^")}
    assert apply_stack_cfi(table, registers, MEMORY.get, ARM64.saved_sysv, ARM64) == {
        "pc": 0x400200,
        "sp": 0x7000,
        "x29": 0x1234,
    }


def test_expressions_see_the_registers_of_the_callee() -> None:
    registers = {"esp": 0x7000, "ebx": 1, "esi": 2, "eip": 3}
    table = rules(cfa="$esp 16 +", ra=".cfa 8 - ^", ebx="$esi", esi="$ebx", esp="$esp 100 +")
    found = apply_stack_cfi(table, registers, MEMORY.get, X86.saved_sysv, X86)
    assert found == {"eip": 0x400100, "esp": 0x7064, "ebx": 2, "esi": 1}


def test_a_register_that_cannot_be_recovered_is_left_out() -> None:
    registers = {"rsp": 0x7000, "rbx": 1, "r12": 2, "r13": 3, "r14": 4, "r15": 5}
    table = rules(cfa="$rsp 16 +", ra=".cfa -8 + ^", rbx=".undef", r12=".cfa 8 + ^", r13="+", r14="$rax", xmm9="1")
    found = apply_stack_cfi(table, registers, MEMORY.get, AMD64.saved_sysv, AMD64)
    assert found == {"rip": 0x400100, "rsp": 0x7010, "r15": 5}


@pytest.mark.parametrize(
    "table",
    [
        {},
        rules(cfa="$rsp 16 +"),
        rules(ra=".cfa ^"),
        rules(cfa="$rax 8 +", ra=".cfa ^"),
        rules(cfa=".cfa 8 +", ra=".cfa ^"),
        rules(cfa="$rsp 16 +", ra=".undef"),
    ],
)
def test_no_frame_or_no_return_address(table: dict[str, tuple[str, ...]]) -> None:
    assert apply_stack_cfi(table, {"rsp": 0x7000}, MEMORY.get, (), AMD64) is None


def test_why_it_failed() -> None:
    with pytest.raises(MemoryUnavailable):
        apply_stack_cfi(rules(cfa="$rsp", ra=".cfa 64 + ^"), {"rsp": 0x7000}, MEMORY.get, (), AMD64)
    with pytest.raises(FormatError):
        apply_stack_cfi(rules(cfa="$rsp +", ra=".cfa ^"), {"rsp": 0x7000}, MEMORY.get, (), AMD64)
