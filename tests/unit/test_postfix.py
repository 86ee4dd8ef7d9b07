"""The postfix language of unwind records."""

import pytest

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.unwind.postfix import evaluate, run


def no_memory(address: int) -> None:
    return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-1", 0xFFFFFFFF),
        ("1 2 +", 3),
        ("1 2 -", 0xFFFFFFFF),
        ("70000 70000 *", 70000 * 70000 % 2**32),
        ("-1 2 /", 0x7FFFFFFF),
        ("17 5 %", 2),
        ("1023 16 @", 1008),
        ("$esp 8 +", 0x1008),
        ("$esp ^", 0x77),
        ("$esp 4 + ^ ^", 0x99),
        (".cfa -8 +", 0x1FF8),
        (".cfa 8 -", 0x1FF8),
        ("1 .cfa -", 0xFFFFE001),
        ("$esp -4096 + 4096 + ^", 0x77),
    ],
)
def test_expressions(text: str, value: int) -> None:
    memory = {0x1000: 0x77, 0x1004: 0x3000, 0x3000: 0x99}
    assert evaluate(tuple(text.split()), {"$esp": 0x1000, ".cfa": 0x2000}, memory.get, 4) == value


def test_numbers_are_as_wide_as_a_pointer() -> None:
    assert evaluate(("1", "2", "-"), {}, no_memory, 8) == 0xFFFFFFFFFFFFFFFF


@pytest.mark.parametrize(
    "text", ["$eax 1 +", ".undef", "1 .undef +", "$eax ^", "word", "1" * 21, "$esp x +", "x 1 +", "x 1 + ^", "= 1 +"]
)
def test_a_name_without_a_value(text: str) -> None:
    assert evaluate(tuple(text.split()), {"$esp": 1}, no_memory, 4) is None


@pytest.mark.parametrize(
    "text",
    ["", "+", "1 +", "1 2", "1 0 /", "1 0 %", "1 0 @", "1 3 @", "^", "^ 1 +", "+ 1 -", "$esp 1"],
)
def test_broken_expressions(text: str) -> None:
    with pytest.raises(FormatError):
        evaluate(tuple(text.split()), {"$esp": 1}, no_memory, 4)


def test_missing_memory_is_named() -> None:
    with pytest.raises(MemoryUnavailable) as caught:
        evaluate(("$esp", "4", "+", "^"), {"$esp": 0x1000}, no_memory, 4)
    assert caught.value.address == 0x1004


@pytest.mark.parametrize(
    "program",
    [
        "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =",
        "$T0 $ebp =$eip $T0 4 + ^ =$ebp $T0 ^ =$esp $T0 8 + =",
    ],
)
def test_a_program(program: str) -> None:
    memory = {0x2000: 0x2040, 0x2004: 0x401000}
    variables = {"$ebp": 0x2000, "$esp": 0x1FF0}
    assert run(program, variables, memory.get, 4) == {"$T0", "$eip", "$ebp", "$esp"}
    assert variables == {"$T0": 0x2000, "$eip": 0x401000, "$ebp": 0x2040, "$esp": 0x2008}


def test_a_name_has_the_value_of_the_time_it_is_used() -> None:
    variables = {"$x": 1}
    assert run("$y $x 1 $x 5 = + =", variables, no_memory, 4) == {"$x", "$y"}
    assert variables == {"$x": 5, "$y": 6}


def test_assigning_undef_takes_the_value_away() -> None:
    variables = {"$ebx": 1}
    assert run("$ebx 2 = $ebx .undef =", variables, no_memory, 4) == set()
    assert variables == {}


@pytest.mark.parametrize("program", ["=", "1 =", "1 2 =", ".cfa 2 =", "$eip 1", "$eip 1 = 2"])
def test_broken_programs(program: str) -> None:
    with pytest.raises(FormatError):
        run(program, {}, no_memory, 4)


def test_a_program_that_uses_a_name_without_a_value() -> None:
    assert run("$eip $eax =", {"$ebx": 1}, no_memory, 4) is None
    assert run("$eip =", {}, no_memory, 4) is None


def test_an_equals_sign_means_nothing_in_an_expression() -> None:
    assert evaluate(("$esp", "1", "="), {"$esp": 1}, no_memory, 4) is None
