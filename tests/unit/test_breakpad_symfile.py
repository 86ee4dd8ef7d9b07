"""Look-ups in small symbol files written here."""

from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.errors import UnusableInputError
from mdmp.formats.breakpad import SymFile, SymFrame, SymModule

APP = b"""\
MODULE Linux x86_64 0F1E2D3C4B5A69788796A5B4C3D2E1F00 app
INFO CODE_ID 3C2D1E0F5A4B7869
FILE 0 main.c
FILE 3 deep/er.h
INLINE_ORIGIN 0 outer_inline(int)
INLINE_ORIGIN 1 inner_inline(int)
FUNC 1000 100 0 main
INLINE 0 12 0 0 1010 20 1050 10
INLINE 1 34 3 1 1018 8
1000 10 10 0
1010 20 30 3
1030 20 13 0
1050 10 35 3
FUNC m 1200 10 8 folded()
1200 8 50 0
PUBLIC 0 0 nowhere
PUBLIC 1300 4 _public
PUBLIC m 1400 0 _other
STACK CFI INIT 1000 100 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
STACK CFI 1004 .cfa: $rbp 16 +
"""


def sym(text: bytes, folder: Path | None = None) -> SymFile:
    return SymFile(Window(text, "app.sym"), folder)


@pytest.fixture(params=["lf", "crlf", "crcrlf", "no end of line", "inside another file"])
def app(request: pytest.FixtureRequest) -> SymFile:
    if request.param == "inside another file":
        return SymFile(Window(b"FUNC 1 2 3 no\n" + APP + b"FUNC 1 2 3 no\n", "app.sym", 14, len(APP)))
    end = {"crlf": b"\r\n", "crcrlf": b"\r\r\n"}.get(request.param, b"\n")
    return sym(APP.replace(b"\n", end)[: -1 if request.param == "no end of line" else None])


def test_the_module(app: SymFile) -> None:
    assert app.module == SymModule("Linux", "x86_64", "0F1E2D3C4B5A69788796A5B4C3D2E1F00", "app")
    assert app.code_id == "3C2D1E0F5A4B7869"
    assert app.issues == ()


def test_a_line_of_a_function(app: SymFile) -> None:
    for rva, line in ((0x1000, 10), (0x100F, 10), (0x1030, 13)):
        assert app.lookup(rva) == (SymFrame("main", 0x1000, 0x100, "main.c", line, False, "FUNC"),)


def test_inlined_calls_innermost_first(app: SymFile) -> None:
    assert app.lookup(0x1018) == (
        SymFrame("inner_inline(int)", 0x1018, 8, "deep/er.h", 30, True, "INLINE"),
        SymFrame("outer_inline(int)", 0x1010, 0x20, "deep/er.h", 34, True, "INLINE"),
        SymFrame("main", 0x1000, 0x100, "main.c", 12, False, "FUNC"),
    )


def test_the_second_range_of_an_inlined_call(app: SymFile) -> None:
    inner, outer = app.lookup(0x105F)
    assert inner == SymFrame("outer_inline(int)", 0x1050, 0x10, "deep/er.h", 35, True, "INLINE")
    assert outer.line == 12


def test_code_without_a_line(app: SymFile) -> None:
    assert app.lookup(0x10FF) == (SymFrame("main", 0x1000, 0x100, None, None, False, "FUNC"),)


def test_no_function_and_no_symbol(app: SymFile) -> None:
    for rva in (0, 0xFFF, 0x1100, 0x11FF, 0x1210, 0x12FF):
        assert app.lookup(rva) == ()


def test_public_symbols_reach_to_the_next(app: SymFile) -> None:
    assert app.lookup(0x13FF) == (SymFrame("_public", 0x1300, None, None, None, False, "PUBLIC"),)
    assert app.lookup(0x1400)[0].function == "_other"
    assert app.lookup((1 << 64) - 1)[0].function == "_other"


def test_a_public_symbol_does_not_reach_over_a_function() -> None:
    file = sym(b"PUBLIC 1000 0 early\nFUNC 2000 10 0 f\nPUBLIC 2008 0 inside\n")
    assert file.lookup(0x1FFF)[0].function == "early"
    assert file.lookup(0x2008)[0].function == "f"
    assert file.lookup(0x2010)[0].function == "inside"
    file = sym(b"PUBLIC 1000 0 early\nFUNC 2000 10 0 f\n")
    assert file.lookup(0x2010) == ()


def test_rules_change_on_the_way(app: SymFile) -> None:
    start = app.cfi(0x1000)
    assert start and start.rules == {".cfa": ("$rsp", "8", "+"), ".ra": (".cfa", "-8", "+", "^")}
    pushed = app.cfi(0x1003)
    assert pushed and pushed.rules["$rbp"] == (".cfa", "-16", "+", "^")
    assert pushed.rules[".cfa"] == ("$rsp", "16", "+")
    body = app.cfi(0x10FF)
    assert body and (body.start, body.size) == (0x1000, 0x100)
    assert body.rules == pushed.rules | {".cfa": ("$rbp", "16", "+")}
    assert app.cfi(0xFFF) is None
    assert app.cfi(0x1100) is None


def test_parameter_sizes(app: SymFile) -> None:
    assert app.parameter_size(0x1200) == 8
    assert app.parameter_size(0x1300) == 4
    assert app.parameter_size(0x100) is None


def test_frame_data_is_preferred_to_frame_pointer_omission() -> None:
    file = sym(
        b"STACK WIN 0 1000 100 0 0 4 0 0 0 0 1\n"
        b"STACK WIN 4 1040 20 0 0 8 0 0 0 1 $eip $esp ^ =\n"
        b"STACK WIN 3 1000 100 0 0 4 0 0 0 0 1\n"
        b"FUNC 1000 200 c f\n"
    )
    assert [(win.type, win.start) for rva in (0x1000, 0x1040, 0x1060) if (win := file.stack_win(rva))] == [
        (0, 0x1000),
        (4, 0x1040),
        (0, 0x1000),
    ]
    assert file.stack_win(0x1100) is None
    assert [file.parameter_size(rva) for rva in (0x1000, 0x1040, 0x1100)] == [4, 8, 12]


def test_stack_win_records_that_end_where_the_function_ends() -> None:
    file = sym(b"".join(b"STACK WIN 4 %x %x 0 0 0 0 0 0 1 $eip $esp ^ =\n" % (i, 0x10 - i) for i in (0, 1, 4)))
    starts = [win.start for rva in range(0x10) if (win := file.stack_win(rva))]
    assert starts == [0, 1, 1, 1] + [4] * 12


def test_overlapping_functions() -> None:
    file = sym(b"FUNC 1000 100 0 outer\nFUNC 1010 10 0 inner\nFUNC 1010 10 0 twin\nFUNC 1018 10 0 late\n")
    names = [frames[0].function for rva in (0x1000, 0x1010, 0x1018, 0x1027, 0x1028) if (frames := file.lookup(rva))]
    assert names == ["outer", "inner", "late", "late", "outer"]


def test_empty_functions_cover_nothing() -> None:
    assert sym(b"FUNC 1000 0 0 empty\n1000 4 1 1\n").lookup(0x1000) == ()


def test_records_in_any_order() -> None:
    file = sym(
        b"FUNC 2000 10 0 b\n2008 8 2 1\n2000 8 1 1\nPUBLIC 3000 0 p\nFUNC 1000 10 0 a\nFILE 1 f.c\n"
        b"STACK CFI INIT 2000 10 .cfa: $rsp .ra: .cfa ^\nSTACK CFI INIT 1000 10 .cfa: $rbp .ra: .cfa ^\n"
    )
    assert [file.lookup(rva)[0].line for rva in (0x2000, 0x2008)] == [1, 2]
    assert file.lookup(0x2000)[0].file == "f.c"
    assert file.lookup(0x1000)[0].function == "a"
    rules = file.cfi(0x1000)
    assert rules and rules.rules[".cfa"] == ("$rbp",)


@pytest.mark.parametrize(
    "lines",
    [
        b"FF8 8 1 1\n1000 8 2 1\n",
        b"1000 8 2 1\nff8 8 1 1\n",
        b"FF8 8 1 1\r\n1000 8 2 1\r\n",
        b"00ff8 8 1 1\n01000 8 2 1\n",
        b"ff8 8 1 1\nINLINE 0 5 1 0 2000 8\n1000 8 2 1\n",
        b"ff8 8 1 1 // a comment\n\n1000 8 2 1\n",
        b"ff8 0 9 1\nff8 8 1 1\n1000 8 2 1\n1000 0 9 1\n",
    ],
)
def test_ways_to_write_lines(lines: bytes) -> None:
    file = sym(b"FILE 1 f.c\nFUNC ff0 20 0 f\n" + lines)
    found = [file.lookup(rva)[-1].line for rva in (0xFF0, 0xFF8, 0xFFF, 0x1000, 0x1007, 0x1008, 0x100F)]
    assert found == [None, 1, 1, 2, 2, None, None]
    assert file.issues == ()


def test_the_old_form_of_inline_names_the_file_of_the_callee() -> None:
    file = sym(
        b"FILE 1 f.c\nFILE 2 a.h\nFILE 3 b.h\nINLINE_ORIGIN 1 2 a()\nINLINE_ORIGIN 2 3 b()\n"
        b"FUNC 1000 10 0 f\nINLINE 0 7 1 1000 10\nINLINE 1 8 2 1000 8\n1000 10 9 3\n"
    )
    found = [(frame.function, frame.file, frame.line) for frame in file.lookup(0x1000)]
    assert found == [("b()", "b.h", 9), ("a()", "a.h", 8), ("f", None, 7)]


def test_line_0_is_no_line() -> None:
    assert sym(b"FILE 1 f.c\nFUNC 1000 10 0 f\n1000 10 0 1\n").lookup(0x1000)[0][3:5] == ("f.c", None)


def test_damage_costs_only_itself_and_is_told_by_line() -> None:
    file = sym(
        b"MODULE Linux x86 00 app\n"
        b"FILE one f.c\n"
        b"FUNC 1000\n"
        b"1000 10 1 1\n"
        b"FUNC 2000 10 0 good\n"
        b"2000 4 1 1\n"
        b"2004 4 two 1\n"
        b"INLINE 0 5 1 x 2000 8\n"
        b"2008 4 3 1\n"
        b"STACK CFI INIT 2000 10 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n"
        b"STACK CFI 2001 .cfa:\n"
        b"STACK CFI 2002 .cfa: $rsp 16 +\n"
        b"STACK WIN 4 2000 10 0 0 0 0 0 0 0 1\n"
        b"PUBLIC zz 0 p\n"
        b"INLINE_ORIGIN 5\n"
    )
    assert [file.lookup(rva)[0].line for rva in (0x2000, 0x2004, 0x2008)] == [1, None, 3]
    assert file.lookup(0x1000) == ()
    rules = file.cfi(0x2002)
    assert rules and rules.rules[".cfa"] == ("$rsp", "16", "+")
    assert file.stack_win(0x2000) is None
    assert [issue.place for issue in file.issues] == [f"app.sym line {n}" for n in (2, 3, 7, 8, 11, 13, 14, 15)]
    assert file.issues[1].problem == "expected `FUNC [m] address size parameter_size name`; found b'FUNC 1000'"
    assert file.issues[2].problem == "expected `address size line file`; found b'2004 4 two 1'"


def test_names_are_utf8_and_broken_ones_are_survived() -> None:
    file = sym("FUNC 1000 10 0 größe\n".encode() + b"FUNC 2000 10 0 \xff\xfe\n")
    assert file.lookup(0x1000)[0].function == "größe"
    assert file.lookup(0x2000)[0].function == "\ufffd\ufffd"


@pytest.mark.parametrize("text", [b"<html>not found</html>", b"\0\0\0\0", b"MZ\x90", b"MODULES x", b"\n\n"])
def test_other_files_are_refused(text: bytes) -> None:
    with pytest.raises(UnusableInputError, match=r"app\.sym: not a Breakpad symbol file"):
        sym(text)
