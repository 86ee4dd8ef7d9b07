"""Damaged and hostile symbol files: answers or issues, in bounded time and memory, never another error."""

import random
import time
import tracemalloc
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.errors import FormatError, MdmpError, MemoryUnavailable, UnusableInputError
from mdmp.formats.breakpad import SymFile
from mdmp.formats.breakpad.block import MAX_BLOCK, MAX_CFI_CHANGES, MAX_TEXT
from mdmp.formats.breakpad.symfile import MAX_INLINE_DEPTH
from mdmp.formats.breakpad.tables import MAX_DAMAGED
from mdmp.unwind.postfix import evaluate, run

GOOD = b"""\
MODULE windows x86 0F1E2D3C4B5A69788796A5B4C3D2E1F00 app.pdb
INFO CODE_ID 3C2D1E0F21000 app.exe
FILE 0 main.c
FILE 3 deep/er.h
INLINE_ORIGIN 0 outer_inline(int)
INLINE_ORIGIN 1 3 inner_inline(int)
FUNC 1000 100 0 main
INLINE 0 12 0 0 1010 20 1050 10
INLINE 1 34 3 1 1018 8
1000 10 10 0
1010 20 30 3
1030 20 13 0
FUNC m 1200 10 8 folded()
1200 8 50 0
PUBLIC 1300 4 _public
STACK WIN 0 1000 100 1 2 4 8 c 10 0 1
STACK WIN 4 1040 20 1 2 4 8 c 10 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =
STACK CFI INIT 1000 100 .cfa: $esp 4 + .ra: .cfa -4 + ^
STACK CFI 1001 .cfa: $esp 8 + $ebp: .cfa -8 + ^
STACK CFI 1004 .cfa: $ebp 8 +
"""
BITS = (
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"-",
    b"f" * 17,
    b"9" * 5000,
    b"FUNC ",
    b"INLINE 0 ",
    b"STACK CFI INIT ",
    b"\xff",
    b":",
)


def exercise(file: SymFile) -> list[object]:
    answers = list[object]()
    for rva in (0, 0x1000, 0x1003, 0x1018, 0x1045, 0x1055, 0x10FF, 0x1204, 0x1300, 1 << 40, (1 << 64) - 1):
        answers.append(file.lookup(rva))
        answers.append(file.parameter_size(rva))
        win, cfi = file.stack_win(rva), file.cfi(rva)
        answers += [win, cfi]
        try:
            if win and win.program:
                run(win.program, {"$esp": 0x7000, "$ebp": 0x7010}, {0x7010: 0x7020}.get, 4)
            for words in cfi.rules.values() if cfi else ():
                evaluate(words, {"$esp": 0x7000, ".cfa": 0x7010}, {0x700C: 5}.get, 4)
        except (FormatError, MemoryUnavailable):
            pass
    issues = file.issues
    assert len(issues) <= MAX_DAMAGED + 1
    assert all(str(issue) for issue in issues)
    return answers


@pytest.mark.parametrize("seed", range(40))
def test_changed_bytes(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        text = bytearray(GOOD)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(text))
            kind = rng.randrange(4)
            if kind == 0:
                text[at] = rng.randrange(256)
            elif kind == 1:
                text[at:at] = rng.choice(BITS)
            elif kind == 2:
                del text[at : at + rng.randrange(40)]
            else:
                start = rng.randrange(len(text))
                text[at:at] = text[start : start + rng.randrange(60)]
        try:
            file = SymFile(Window(bytes(text), "fuzz.sym"))
        except UnusableInputError:
            continue
        answers = exercise(file)
        for _ in range(2):
            assert exercise(SymFile(Window(bytes(text), "fuzz.sym"), tmp_path)) == answers


def test_cut_anywhere() -> None:
    for end in range(1, len(GOOD)):
        try:
            exercise(SymFile(Window(GOOD[:end], "fuzz.sym")))
        except UnusableInputError:
            assert end < 8


def test_changed_index_of_an_unchanged_file(tmp_path: Path) -> None:
    expected = exercise(SymFile(Window(GOOD, "fuzz.sym"), tmp_path))
    (index,) = tmp_path.iterdir()
    good = index.read_bytes()
    rng = random.Random(8)
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 5)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        index.write_bytes(bytes(bad[: rng.choice((len(bad), rng.randrange(len(bad))))]))
        assert exercise(SymFile(Window(GOOD, "fuzz.sym"), tmp_path)) == expected


ONE = b"FUNC 1000 10 0 f\n"
INIT = b"STACK CFI INIT 1000 10 .cfa: $esp"
HOSTILE = {
    "nested functions": b"".join(b"FUNC %x %x 0 f\n" % (i, 200_000 - i) for i in range(20_000)),
    "functions of one start": b"".join(b"FUNC 1000 %x 0 f\n" % i for i in range(50_000, 0, -1)),
    "functions of one address": b"FUNC 1000 10 0 f\n" * 50_000,
    "functions over everything": b"FUNC 0 ffffffffffffffff 0 f\n" * 10 + b"FUNC ffffffffffffffff ff 0 f\n" * 1000,
    "nothing but damage": b"FUNC x\n" * 100_000,
    "deep inlining": ONE + b"INLINE_ORIGIN 1 f\n" + b"".join(b"INLINE %d 1 1 1 1000 10\n" % i for i in range(20_000)),
    "one inline of many ranges": ONE + b"INLINE 0 1 1 1" + b" 1000 10" * 200_000 + b"\n",
    "a huge name": b"FUNC 1000 10 0 " + b"f" * 4_000_000 + b"\n",
    "a huge number": ONE + b"INLINE 0 1 1 1 " + b"f" * 1_000_000 + b" 10\nFUNC " + b"1" * 1_000_000 + b" 1 1 f\n",
    "many lines": ONE + b"1000 1 1 1\n" * 400_000,
    "many unsorted lines": ONE + b"1001 1 1 1\n1000 1 1 1\n" * 30_000,
    "many broken lines": ONE + b"1000 x\n" * 150_000,
    "many empty lines": ONE + b"\n" * 8_000_000,
    "many rules": INIT + b"\n" + b"".join(b"STACK CFI 1000 r%d: 1\n" % i for i in range(100_000)),
    "one long rule": INIT + b" r1: 1" * 1_000_000,
    "broken rules": INIT + b"\n" + b"STACK CFI x\n" * 400_000,
    "spaces": b"FUNC" + b" " * 4_000_000 + b"1000" + b" " * 4_000_000 + b"x\nSTACK" + b" " * 4_000_000,
    "spaces and zeros": b"FUNC 1 1 0 f\nINLINE" + b" 0 " * 500_000 + b"\n",
    "a program without end": b"STACK WIN 4 1000 10 0 0 0 0 0 0 1 " + b"1 " * 4_000_000,
    "files": b"".join(b"FILE %d f\n" % (i % 1000) for i in range(150_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_take_bounded_time_and_memory(name: str) -> None:
    text = HOSTILE[name]
    tracemalloc.start()
    begin = time.process_time()
    try:
        file = SymFile(Window(text, "hostile.sym"))
        for _ in range(4):
            exercise(file)
        taken, peak = time.process_time() - begin, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < 20
    assert peak < 40_000_000 + 20 * len(text)


def test_limits_are_told() -> None:
    lines = b"FUNC 1000 10 0 f\n" + b"1000 1 1 1\n" * (MAX_BLOCK // 11 + 1) + b"FUNC 2000 10 0 g\n"
    rules = b"STACK CFI INIT 3000 10 .cfa: $esp .ra: .cfa ^\n" + b"STACK CFI 3004 .cfa: $ebp\n" * (MAX_CFI_CHANGES + 1)
    file = SymFile(Window(lines + rules, "big.sym"))
    assert file.lookup(0x1000)[0].line == 1
    assert file.lookup(0x2000)[0].function == "g"
    assert file.cfi(0x3000)
    assert file.cfi(0x3004) is None
    first, second = file.issues
    assert first.place == "big.sym line 1" and str(MAX_BLOCK) in first.problem
    assert second.place == f"big.sym line {lines.count(10) + 1}" and str(MAX_CFI_CHANGES) in second.problem


def test_depth_and_names_are_cut() -> None:
    file = SymFile(Window(HOSTILE["deep inlining"], "deep.sym"))
    assert len(file.lookup(0x1000)) == MAX_INLINE_DEPTH + 1
    file = SymFile(Window(HOSTILE["a huge name"], "name.sym"))
    assert len(file.lookup(0x1000)[0].function) < MAX_TEXT


@pytest.mark.parametrize("seed", range(20))
def test_random_programs(seed: int) -> None:
    rng = random.Random(seed)
    words = ["+", "-", "*", "/", "%", "@", "^", "=", "$eip", "$esp", ".cfa", ".undef", "0", "-1", "7", "99999999999"]
    for _ in range(200):
        tokens = [rng.choice(words) for _ in range(rng.randrange(12))]
        for width in (4, 8):
            variables = {"$esp": 0x1000, ".cfa": 0x2000}
            try:
                value = evaluate(tuple(tokens), variables, lambda address: address // 3, width)
                assert value is None or 0 <= value < 1 << 8 * width
                run(" ".join(tokens), variables, lambda address: None, width)
            except MdmpError:
                pass
            assert all(0 <= value < 1 << 8 * width for value in variables.values())
