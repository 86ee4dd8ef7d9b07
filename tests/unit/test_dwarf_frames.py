"""Call-frame rows against llvm-dwarfdump's tables, damaged input, and the step to the caller by a row."""

import json
from pathlib import Path

import pytest

from mdmp.arch import AMD64, ARM64, CPUS, Cpu
from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.dwarf import CallFrames, Cfa, FrameSection, Row, Saved
from mdmp.formats.dwarf.cfa import Cie, run
from mdmp.formats.elf.elf import Elf
from mdmp.unwind.dwarf import apply_row
from mdmp.unwind.expression import evaluate


def llvm_name(number: int, cpu: Cpu) -> str:
    name = cpu.dwarf[number]
    if cpu.name == "arm64":
        return "WSP" if name == "sp" else "W" + name[1:]
    return name.upper()


def as_llvm(row: Row, cpu: Cpu) -> str:
    if row.cfa.expression is not None:
        cfa = "expression"
    else:
        cfa = llvm_name(row.cfa.register, cpu) + (f"{row.cfa.offset:+}" if row.cfa.offset else "")
    parts = [f"{llvm_name(n, cpu)}=[CFA{s.value:+}]" for n, s in sorted(row.registers.items()) if s.kind == "at"]
    assert all(saved.kind == "at" for saved in row.registers.values())
    if row.signed_return:
        parts.append("reg34=1")
    return f"CFA={cfa}" + (": " + ", ".join(parts) if parts else "")


def plain(text: str) -> str:
    text = text.replace(", reg34=0", "").replace(": reg34=0", "")
    if text.startswith("CFA=DW_OP"):
        return "CFA=expression" + text[text.rindex(": ") :]
    return text


PROGRAMS = (
    *("clang5_amd64", "clang4_amd64", "clang5_arm64", "clang4_arm", "clang5_x86"),
    *("gcc5_amd64", "gcc4_amd64", "gcc2_amd64", "gcc64bit_amd64", "types_amd64"),
)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("indexed", [True, False])
def test_every_row(data: Path, program: str, indexed: bool) -> None:
    expected = json.loads((data / "linux" / "expected.json").read_text())[program]["rows"]
    elf = Elf(map_file(data / "linux" / program))
    cpu = CPUS[elf.machine]
    frames = list(elf.call_frames)
    if not indexed:
        frames = [CallFrames(f._section, f._address_size) for f in frames]
    assert expected
    for start, end, text in expected:
        for address in range(start, end):
            (row,) = [row for f in frames if (row := f.row(address))]
            assert as_llvm(row, cpu) == plain(text), hex(address)
            assert row.start <= address < row.end
    lowest, highest = min(r[0] for r in expected), max(r[1] for r in expected)
    assert [f.row(address) for f in frames for address in (lowest - 1, highest)] == [None, None] * len(frames)


CIE = Cie(1, -8, 16, 0, False, False, False, 8, bytes((0x0C, 7, 8, 0x90, 1)))


def test_program_remembers_and_restores() -> None:
    program = bytes((0x41, 0x0E, 16, 0x86, 2, 0x0A, 0x44, 0x0E, 8, 0xC6, 0x41, 0x0B, 0x41, 0x2E, 4, 0x07, 3))
    row = run(CIE, program, 0x100, 0x120, 0x101)
    assert row == Row(0x101, 0x105, Cfa(7, 16), {16: Saved("at", -8), 6: Saved("at", -16)}, 16, False, False)
    row = run(CIE, program, 0x100, 0x120, 0x105)
    assert (row.start, row.end, row.cfa, row.registers) == (0x105, 0x106, Cfa(7, 8), {16: Saved("at", -8)})
    assert run(CIE, program, 0x100, 0x120, 0x106).registers[6] == Saved("at", -16)
    row = run(CIE, program, 0x100, 0x120, 0x110)
    assert (row.start, row.end, row.registers[3]) == (0x107, 0x120, Saved("undefined"))


@pytest.mark.parametrize("program", [b"\x0b", b"\x3f\x01", b"\x0e", b"\x0f\x20\x00", b"\x0a" * 65])
def test_damaged_program(program: bytes) -> None:
    with pytest.raises(FormatError):
        run(CIE, program, 0, 16, 8)


def test_more_rules() -> None:
    program = bytes(
        (0x14, 3, 2, 0x15, 12, 0x7F, 0x11, 13, 2, 0x09, 14, 6, 0x08, 15, 0x16, 5, 2, 0x12, 0x96, 0x2F, 4, 1)
    )
    row = run(CIE, program, 0, 16, 0)
    assert row.registers == {
        16: Saved("at", -8),
        3: Saved("is", -16),
        12: Saved("is", 8),
        13: Saved("at", -16),
        14: Saved("register", 6),
        15: Saved("same"),
        5: Saved("is_expression", b"\x12\x96"),
        4: Saved("at", 8),
    }


def test_hostile_sections() -> None:
    for raw in (b"", b"\0" * 64, b"\xff" * 64, b"\x10\0\0\0" + bytes(16), b"\x08\0\0\0\x08\0\0\0aaaa"):
        frames = CallFrames(FrameSection(Window(raw, "eh"), 0x1000), 8)
        assert frames.row(0x1000) is None


MEMORY = {0x1008: 0x401234, 0x1000: 0x2000, 0x0FF8: 77, 0x2008: 0}


def test_step_by_a_row() -> None:
    registers = {"rsp": 0x0FF0, "rip": 0x401000, "rbp": 5, "rbx": 6, "rax": 9, "r12": 12}
    rules = {16: Saved("at", -8), 6: Saved("at", -16), 3: Saved("undefined"), 13: Saved("at", -64)}
    row = Row(0, 1, Cfa(7, 0x20), rules, 16, False, False)
    found = apply_row(row, registers, MEMORY.get, AMD64)
    # rax is nobody's to keep; the memory for r13 is missing.
    assert found == {"rip": 0x401234, "rsp": 0x1010, "rbp": 0x2000, "r12": 12}
    assert apply_row(row._replace(cfa=Cfa(7, 0x400)), registers, MEMORY.get, AMD64) == 0x0FF0 + 0x400 - 8
    assert apply_row(row._replace(cfa=Cfa(10, 0)), registers, MEMORY.get, AMD64) is None
    ended = apply_row(row._replace(registers={16: Saved("undefined")}), registers, MEMORY.get, AMD64)
    assert isinstance(ended, dict) and ended["rip"] == 0


def test_leaf_and_signed_return() -> None:
    registers = {"sp": 0x1000, "pc": 0x400000, "x30": 0x00A5_0000_0040_0100, "x29": 0x1100, "x0": 1}
    row = Row(0, 1, Cfa(31, 0), {}, 30, False, True)
    found = apply_row(row, registers, MEMORY.get, ARM64, 48)
    assert isinstance(found, dict)
    assert (found["pc"], found["sp"], found["x29"]) == (0x400100, 0x1000, 0x1100)
    assert "x0" not in found


def test_expression_of_a_plt() -> None:
    """DW_OP_breg7 8, breg16 0, lit15, and, lit11, ge, lit3, shl, plus: GNU ld's rule for .plt."""
    rule = bytes((0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22))
    for pc, cfa in ((0x401020, 0x1008), (0x40102B, 0x1010)):
        assert evaluate(rule, {7: 0x1000, 16: pc}.get, MEMORY.get, 8, ()) == cfa


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (b"\x08\xff\x09\xff\x22", 254),  # const1u, const1s, plus
        (b"\x35\x09\xfe\x1b", (1 << 64) - 2),  # 5 / -2
        (b"\x09\xfe\x31\x26", (1 << 64) - 1),  # -2 >> 1, arithmetic
        (b"\x31\x32\x33\x17", 2),  # rot
        (b"\x31\x32\x16\x1c", 1),  # swap, minus
        (b"\x31\x28\x01\x00\x35\x36", 6),  # bra over lit5
        (b"\x0a\x08\x10\x06", 0x401234),  # deref
        (b"\x0a\x08\x10\x94\x01", 0x34),  # deref_size
        (b"\x31\x32\x15\x01", 1),  # pick
        (b"\x40\x1f\x19", 16),  # neg, abs
        (b"\x40\x23\x80\x01", 144),  # plus_uconst
        (b"\x0a\x00\x30\x06", None),  # no memory
    ],
)
def test_expressions(expression: bytes, value: int | None) -> None:
    assert evaluate(expression, {}.get, MEMORY.get, 8, ()) == value


@pytest.mark.parametrize(
    "expression",
    [
        b"",
        b"\x22",
        b"\x2f\xfd\xff",
        b"\x31\x30\x1b",
        b"\x0e\x01",
        b"\x2f\xff\x7f",
        b"\x9c",
        b"\x12",
        b"\x31" + b"\x12" * 300,
    ],
)
def test_damaged_expressions(expression: bytes) -> None:
    with pytest.raises(FormatError):
        evaluate(expression, {}.get, MEMORY.get, 8, ())
