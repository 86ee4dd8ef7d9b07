"""One line of text to one record."""

import pytest

from mdmp.formats.breakpad import records
from mdmp.formats.breakpad.records import Func, Inline, Line, Origin, PublicSymbol, SymModule


def test_module() -> None:
    found = records.read_module(b"MODULE windows x86_64 B1E4DD6E11AC4D0A9C2E2F0F63C2C5A71 my app.pdb\r")
    assert found == SymModule("windows", "x86_64", "B1E4DD6E11AC4D0A9C2E2F0F63C2C5A71", "my app.pdb")
    assert records.read_module(b"MODULE windows x86_64 nothex app.pdb") is None


@pytest.mark.parametrize(
    ("text", "code_id"),
    [
        (b"INFO CODE_ID 4A5B6C7D21000 app.exe", "4A5B6C7D21000"),
        (b"INFO CODE_ID 4a5b", "4a5b"),
        (b"INFO GENERATOR mozilla/dump_syms 2", None),
    ],
)
def test_code_id(text: bytes, code_id: str | None) -> None:
    assert records.read_code_id(text) == code_id


def test_numbers_are_hexadecimal_but_for_lines_and_files() -> None:
    assert records.read_func(b"FUNC 10 20 30 f()") == Func(0x10, 0x20, 0x30, "f()", False)
    assert records.read_line(b"10 20 30 40") == Line(0x10, 0x20, 30, 40)
    assert records.read_public(b"PUBLIC m 10 20 _start") == PublicSymbol(0x10, 0x20, "_start", True)
    assert records.read_file(b"FILE 10 a b.c") == (10, "a b.c")


def test_the_m_flag_is_not_taken_for_an_address() -> None:
    assert records.read_func(b"FUNC m 10 20 0 folded") == Func(0x10, 0x20, 0, "folded", True)
    assert records.read_func(b"FUNC x 10 20 0 folded") is None


def test_both_forms_of_inline() -> None:
    new = records.read_inline(b"INLINE 1 20 3 4 1000 10 2000 20")
    assert new == Inline(1, 20, 3, 4, ((0x1000, 0x10), (0x2000, 0x20)))
    old = records.read_inline(b"INLINE 1 20 4 1000 10 2000 20")
    assert old == Inline(1, 20, None, 4, ((0x1000, 0x10), (0x2000, 0x20)))


@pytest.mark.parametrize("text", [b"INLINE", b"INLINE 0 1 2 3", b"INLINE 0 1 2 -3 10 10", b"INLINE 0 1 x 3 10 10"])
def test_damaged_inline(text: bytes) -> None:
    assert records.read_inline(text) is None


def test_both_forms_of_inline_origin() -> None:
    assert records.read_origin(b"INLINE_ORIGIN 7 operator new(unsigned long)") == Origin(
        7, None, "operator new(unsigned long)"
    )
    assert records.read_origin(b"INLINE_ORIGIN 7 3 f(int)") == Origin(7, 3, "f(int)")
    assert records.read_origin(b"INLINE_ORIGIN 7 -1 f(int)") == Origin(7, None, "f(int)")


def test_stack_win_with_a_program() -> None:
    found = records.read_stack_win(b"STACK WIN 4 10 20 1 2 8 c 40 5 1 $eip 4 + ^ = $esp $ebp 8 + =")
    assert found is not None
    assert (found.type, found.start, found.size) == (4, 0x10, 0x20)
    assert (found.prologue_size, found.epilogue_size, found.parameter_size) == (1, 2, 8)
    assert (found.saved_register_size, found.local_size, found.max_stack_size) == (0xC, 0x40, 5)
    assert found.program == "$eip 4 + ^ = $esp $ebp 8 + ="
    assert not found.allocates_base_pointer


def test_stack_win_without_a_program() -> None:
    found = records.read_stack_win(b"STACK WIN 0 10 20 1 2 8 c 40 5 0 1")
    assert found is not None
    assert found.program is None
    assert found.allocates_base_pointer


@pytest.mark.parametrize(
    "text",
    [
        b"STACK WIN 0 10 20 1 2 8 c 40 5 1 $eip 4 + ^ =",
        b"STACK WIN 4 10 20 1 2 8 c 40 5 0 1",
        b"STACK WIN 4 10 20 1 2 8 c 40 5 1",
        b"STACK WIN 4 10 20 1 2 8 c 40 5 2 x",
    ],
)
def test_stack_win_that_contradicts_itself(text: bytes) -> None:
    assert records.read_stack_win(text) is None


def test_rules() -> None:
    assert records.read_rules(b".cfa: $rsp 8 + .ra: .cfa -8 + ^") == {
        ".cfa": ("$rsp", "8", "+"),
        ".ra": (".cfa", "-8", "+", "^"),
    }


@pytest.mark.parametrize("text", [b"", b"$rsp 8 +", b".cfa:", b".cfa: .ra: .cfa", b": $rsp", b".cfa: $rsp .ra:"])
def test_damaged_rules(text: bytes) -> None:
    assert records.read_rules(text) is None


@pytest.mark.parametrize("digits", [17, 100_000])
def test_huge_numbers_are_damage(digits: int) -> None:
    number = b"1" * digits
    assert records.read_func(b"FUNC " + number + b" 1 0 f") is None
    assert records.read_line(b"10 " + number + b" 1 1") is None
    assert records.read_file(b"FILE " + number + b" f") is None
    assert records.read_cfi_init(b"STACK CFI INIT 10 " + number + b" .cfa: $rsp") is None
