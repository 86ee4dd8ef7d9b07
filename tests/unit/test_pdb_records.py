"""The parts of the PDB reader that walk bytes, on records made by hand from the documents of their layout."""

import struct

import pytest
from msf_files import msf_file

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.pdb import symbols
from mdmp.formats.pdb.c11 import find_old_line, read_old_lines
from mdmp.formats.pdb.dbi import Contributions, find_modules
from mdmp.formats.pdb.extents import Extent, ExtentTable
from mdmp.formats.pdb.frames import FpoTable, FrameTable
from mdmp.formats.pdb.gsi import hash_name
from mdmp.formats.pdb.inlines import Inlined, find_inlined, run_program
from mdmp.formats.pdb.lines import find_import, find_line, iter_lines, read_exports, read_inlinees, scan_subsections
from mdmp.formats.pdb.msf import Msf, Stream
from mdmp.formats.pdb.omap import Omap
from mdmp.formats.pdb.types import TypeRecords, type_name


def stream_of(data: bytes) -> Stream:
    return Msf(Window(bytes(msf_file([data])), "test.pdb")).stream(0)


# Line programs of inlined calls


def program(*numbers: int) -> bytes:
    out = b""
    for number in numbers:
        if number < 0x80:
            out += bytes([number])
        elif number < 0x4000:
            out += bytes([0x80 | number >> 8, number & 0xFF])
        else:
            out += struct.pack(">I", 0xC0000000 | number)
    return out


def covered(data: bytes, end: int = 64) -> dict[int, int]:
    return {at: hit[0] for at in range(end) if (hit := run_program(data, 0, len(data), at))}


def test_program_of_the_visual_compiler() -> None:
    # length 7 at +10; length 3 at +10; line + 1; length 10 at +5: as in a deleting destructor of debugpy.
    data = bytes.fromhex("0C070A0C030A06020C0A0500")
    assert covered(data) == {
        **dict.fromkeys(range(10, 17), 0),
        **dict.fromkeys([20, 21, 22], 0),
        **dict.fromkeys(range(25, 35), 1),
    }


def test_program_of_clang() -> None:
    # line + 2 at + 4, line - 1 at + 3, ends 5 later; 6 further on line + 3, for 2 bytes.
    data = program(11, 2 << 1 << 4 | 4, 11, (1 << 1 | 1) << 4 | 3, 4, 5, 6, 3 << 1, 3, 6, 4, 2)
    assert covered(data) == {
        **dict.fromkeys(range(4, 7), 2),
        **dict.fromkeys(range(7, 12), 1),
        **dict.fromkeys([18, 19], 4),
    }


def test_program_with_files_and_large_numbers() -> None:
    data = program(5, 0x1234, 6, 0x10000 << 1, 12, 0x90, 0x300, 5, 0x18, 12, 1, 0x200, 0, 3, 1, 4, 1)
    assert run_program(data, 0, len(data), 0x300) == (0x10000, 0x1234)
    assert run_program(data, 0, len(data), 0x38F) == (0x10000, 0x1234)
    assert run_program(data, 0, len(data), 0x390) is None
    assert run_program(data, 0, len(data), 0x500) == (0x10000, 0x18)
    assert run_program(data, 0, len(data), 0x501) is None


def test_programs_that_are_cut_or_wrong_cover_what_came_before() -> None:
    good = program(3, 4, 4, 8)
    for bad in (b"\x03", b"\x0c\x05", b"\x03\xff", b"\x03\x80", b"\x03\xc0\0\0", b"\x0e\x01", b"\xff", b""):
        assert covered(good + bad) == dict.fromkeys(range(4, 12), 0)
    assert run_program(b"", 0, 0, 0) is None


def record(kind: int, body: bytes) -> bytes:
    body += bytes(-(len(body) + 4) % 4)
    return struct.pack("<HH", len(body) + 2, kind) + body


def site(inlinee: int, end: int, annotations: bytes) -> bytes:
    return record(0x114D, struct.pack("<III", 0, end, inlinee) + annotations)


def test_inlined_calls_nest() -> None:
    base, head = 1000, record(0x1110, bytes(35) + b"f\0")
    inner, close = program(12, 4, 10), record(0x114E, b"")
    first = site(7, base + len(head) + 20, program(12, 4, 0))
    second = site(8, 0, program(6, 4, 12, 20, 8)) + site(9, 0, inner) + close + close
    body = head + first + close + second + record(6, b"")
    assert find_inlined(body, base, 2) == [Inlined(7, 0, None)]
    assert find_inlined(body, base, 5) == []
    assert find_inlined(body, base, 9) == [Inlined(8, 2, None)]
    assert find_inlined(body, base, 11) == [Inlined(8, 2, None), Inlined(9, 0, None)]
    for cut in range(len(body)):
        find_inlined(body[:cut], base, 11)


# Symbols


def procedure(name: bytes, section: int, offset: int, size: int, end: int, kind: int = 0x1110) -> bytes:
    return record(kind, struct.pack("<IIIIIIIIHB", 0, end, 0, size, 0, 0, 0, offset, section, 0) + name)


def scopes(data: bytes, base: int = 4, chunk: int = 1 << 16) -> list[Extent]:
    found, labels, at = ExtentTable(), ExtentTable(), base
    whole = bytes(base) + data
    while at < len(whole):
        following = symbols.scan_scopes(whole[at : at + chunk], at, len(whole), found, labels)
        if following <= at:
            break
        at = following
    found.seal()
    return list(found)


def test_scopes_step_over_what_is_inside() -> None:
    inside = record(0x1103, bytes(20)) + procedure(b"not a procedure of its own\0", 1, 5, 5, 0)
    one = procedure(b"one\0", 1, 0x10, 0x20, 0)
    end = 4 + len(one) + len(inside)
    data = (
        procedure(b"one\0", 1, 0x10, 0x20, end) + inside + record(6, b"") + procedure(b"two\0", 1, 0x30, 8, 0, 0x1146)
    )
    for chunk in (1 << 16, 64, 48):
        assert [(s.section, s.offset, s.size, s.kind) for s in scopes(data, chunk=chunk)] == [
            (1, 0x10, 0x20, 0x1110),
            (1, 0x30, 8, 0x1146),
        ]
    assert symbols.record_name(data, 0x1110) == "one"
    # An end that points backwards or outside is not believed.
    for end in (0, 1, 4, len(data) + 4, 0xFFFFFFFF):
        wrong = procedure(b"one\0", 1, 0x10, 0x20, end) + inside + record(6, b"") + procedure(b"two\0", 1, 0x30, 8, 0)
        assert {s.offset for s in scopes(wrong)} >= {0x10, 0x30}
    for cut in range(len(data)):
        scopes(data[:cut])


def test_thunks_trampolines_separated_code_and_old_names() -> None:
    thunk = record(0x1102, struct.pack("<IIIIHHB", 0, 0, 0, 0x40, 2, 6, 0) + b"jump\0")
    trampoline = record(0x112C, struct.pack("<HHIIHH", 0, 5, 0x50, 0x99, 2, 3))
    separated = record(0x1132, struct.pack("<IIIIIIHH", 0, 0, 7, 0, 0x60, 0x88, 2, 1))
    old = procedure(b"\x03old?", 2, 0x70, 9, 0, 0x100B)
    found = scopes(thunk + trampoline + separated + old)
    assert [(s.offset, s.size) for s in found] == [(0x40, 6), (0x50, 5), (0x60, 7), (0x70, 9)]
    assert symbols.record_name(thunk, 0x1102) == "jump"
    assert symbols.trampoline_target(trampoline) == (3, 0x99)
    assert symbols.separated_parent(separated) == (1, 0x88)
    assert symbols.record_name(old, 0x100B) == "old"


def test_extents_find_the_innermost() -> None:
    table = ExtentTable()
    for start, size in ((100, 1000), (200, 50), (200, 10), (300, 0), (5000, 5)):
        table.new.append((1 << 32 | start, size, 0, start, size))
        table.pack()
    table.seal()

    def size_at(offset: int) -> int | None:
        found = table.find(1, offset)
        return found.size if found else None

    assert [size_at(o) for o in (99, 100, 199, 205, 215, 260, 300, 1099, 1100, 5004, 5005)] == [
        None,
        1000,
        1000,
        10,
        50,
        1000,
        1000,
        1000,
        None,
        5,
        None,
    ]
    assert table.find(2, 150) is None and table.find(0, 150) is None
    assert table.nearest(1, 4999).offset == 300 and table.nearest(1, 99) is None and table.nearest(2, 1) is None


# Lines


def block(file: int, *lines: tuple[int, int]) -> bytes:
    return struct.pack("<III", file, len(lines), 12 + 8 * len(lines)) + b"".join(
        struct.pack("<II", o, n | 0x80000000) for o, n in lines
    )


def test_the_last_of_equal_offsets_counts() -> None:
    data = block(0, (0, 10), (4, 11), (4, 12), (9, 0xF00F00), (12, 13)) + block(24, (6, 20))
    assert [find_line(data, at) for at in (0, 3, 4, 5)] == [(0, 10, 0), (0, 10, 0), (4, 12, 0), (4, 12, 0)]
    assert find_line(data, 6) == (6, 20, 24)
    assert find_line(data, 10) == (6, 20, 24)  # the mark is not a line: the one before it, of either file
    assert find_line(data, 100) == (12, 13, 0)
    assert find_line(block(0, (4, 10)), 3) is None
    assert find_line(block(0, (0, 0xFEEFEE)), 3) is None
    assert iter_lines(data)[2:4] == [(4, 12, 0), (6, 20, 24)]


def test_blocks_that_are_unsorted_or_cut() -> None:
    data = block(0, (8, 3), (0, 1), (4, 2))
    assert [find_line(data, at)[1] for at in (0, 5, 8)] == [1, 2, 3]
    for cut in range(len(data)):
        find_line(data[:cut], 5)
        iter_lines(data[:cut])
    struct.pack_into("<I", cut_block := bytearray(data), 4, 0xFFFFFFFF)
    assert find_line(bytes(cut_block), 8) == (8, 3, 0)
    for size in (0, 1, 11, 0xFFFFFFFF):
        struct.pack_into("<I", cut_block, 8, size)
        find_line(bytes(cut_block), 8)


def test_subsections() -> None:
    lines = struct.pack("<IIIHHI", 0xF2, 12, 0x100, 3, 1, 0x40)
    data = (
        lines
        + struct.pack("<II", 0xF4, 5)
        + b"12345\0\0\0"
        + struct.pack("<II", 0x800000F4, 0)
        + struct.pack("<II", 0xF6, 4)
        + bytes(4)
    )
    table, others = ExtentTable(), []
    assert scan_subsections(data, 1000, 1000 + len(data), table, others) == 1000 + len(data)
    table.seal()
    assert [tuple(e) for e in table] == [(3, 0x100, 0x40, 1, 1020, 1020)]
    assert [(o.kind, o.position, o.size) for o in others] == [(0xF4, 1028, 5), (0xF6, 1052, 4)]
    assert scan_subsections(struct.pack("<II", 0xF4, 50), 0, 20, ExtentTable(), []) == 20


def test_inlinees_and_references_between_modules() -> None:
    assert read_inlinees(struct.pack("<I6I", 0, 0x1001, 24, 7, 0x1002, 48, 9)) == {0x1001: (24, 7), 0x1002: (48, 9)}
    extra = struct.pack("<I6I4I", 1, 0x1001, 24, 7, 2, 1, 2, 0x1002, 48, 9, 0)
    assert read_inlinees(extra) == {0x1001: (24, 7), 0x1002: (48, 9)}
    assert read_inlinees(b"") == {} and read_inlinees(struct.pack("<5I", 1, 1, 2, 3, 0xFFFFFFFF)) == {1: (2, 3)}
    imports = struct.pack("<III", 5, 1, 0x80000007) + struct.pack("<IIII", 9, 2, 0x1000, 0x1001)
    assert find_import(imports, 0x80000000) == (5, 0x80000007)
    assert find_import(imports, 0x80100001) == (9, 0x1001)
    for reference in (0x80000001, 0x80100002, 0x80200000, 0xFFFFFFFF):
        assert find_import(imports, reference) is None
    assert read_exports(struct.pack("<IIIII", 1, 2, 3, 4, 5)) == {1: 2, 3: 4}


def old_table() -> bytes:
    name = b"c:\\old.cpp\0"
    file_at, header = 16, struct.pack("<HHI", 1, 1, 16) + struct.pack("<II", 0x10, 0x2F)
    lines_at = file_at + 4 + 4 + 8 + len(name) + 1
    file = struct.pack("<HHIII", 1, 0, lines_at, 0x10, 0x2F) + name + b"\0"
    return header + file + struct.pack("<HHIIIHHH", 2, 3, 0x10, 0x18, 0x20, 5, 6, 8)


def test_lines_of_old_compilers() -> None:
    data, table = old_table(), ExtentTable()
    assert read_old_lines(data, table) == ["c:\\old.cpp"]
    table.seal()
    part = table.find(2, 0x1F)
    assert (part.offset, part.size) == (0x10, 0x20)
    assert [find_old_line(data, part.position, at) for at in (0xF, 0x10, 0x1F, 0x20, 0x2F)] == [None, 5, 6, 8, 8]
    for cut in range(len(data)):
        table = ExtentTable()
        read_old_lines(data[:cut], table)
        table.seal()
        for extent in table:
            find_old_line(data[:cut], extent.position, 0x20)


# Types


def type_stream(records: list[bytes], step: int = 0) -> tuple[bytes, bytes]:
    """The stream and its hash stream, with an offset for each `step`-th record (0: no table)."""
    body, pairs = b"", b""
    for i, leaf in enumerate(records):
        if step and i % step == 0:
            pairs += struct.pack("<II", 0x1000 + i, len(body))
        body += leaf
    header = struct.pack(
        "<5IHHIIiIiIiI",
        20040203,
        56,
        0x1000,
        0x1000 + len(records),
        len(body),
        1,
        0xFFFF,
        4,
        0x3FFFF,
        0,
        0,
        8,
        len(pairs),
        0,
        0,
    )
    return header + body, bytes(8) + pairs


@pytest.mark.parametrize("step", [0, 1, 7, 300])
def test_one_record_among_many(step: int) -> None:
    leaves = [record(0x1605, struct.pack("<I", 0) + b"name %d\0" % i) for i in range(20000)]
    data, hashes = type_stream(leaves, step)
    types = TypeRecords(Msf(Window(bytes(msf_file([data, hashes], 4096)), "test.pdb")), 0, "types")
    for index in (0, 1, 6, 7, 299, 300, 19999, 12345, 3):
        assert types.get(0x1000 + index) == (0x1605, leaves[index])
    for index in (0, 0xFFF, 0x1000 + 20000, 1 << 31):
        with pytest.raises(FormatError):
            types.get(index)


def test_names_of_types() -> None:
    fixed = struct.pack("<HHIII", 1, 0x200, 2, 3, 4)
    assert type_name(0x1505, record(0x1505, fixed + struct.pack("<H", 8) + b"app::S\0.?AUS@app@@\0")) == "app::S"
    assert type_name(0x1504, record(0x1504, fixed + struct.pack("<HI", 0x8004, 1 << 20) + b"Big\0")) == "Big"
    assert type_name(0x1506, record(0x1506, struct.pack("<HHIH", 1, 0, 2, 8) + b"U\0")) == "U"
    assert type_name(0x1507, record(0x1507, struct.pack("<HHII", 1, 0, 2, 8) + b"E\0")) == "E"
    assert (
        type_name(0x1608, record(0x1608, struct.pack("<IIIIHH", 0, 1, 2, 3, 5, 8) + b"std::exception\0"))
        == "std::exception"
    )
    assert type_name(0x160A, record(0x160A, struct.pack("<IIHH", 0, 1, 2, 8) + b"V\0")) == "V"
    assert type_name(0x1605, record(0x1605, bytes(4) + b"ns\0")) == "ns"
    assert type_name(0x1002, record(0x1002, bytes(8))) == ""


# Others


def test_name_hash() -> None:
    # Does not tell cases apart; words, then a half word, then a byte.
    assert hash_name(b"main") == hash_name(b"MAIN") == hash_name(b"Main")
    word = int.from_bytes(b"abcd", "little") ^ int.from_bytes(b"ef", "little") ^ ord("g") | 0x20202020
    word ^= word >> 11
    assert hash_name(b"abcdefg") == word ^ word >> 16


def contribution(section: int, offset: int, size: int, module: int) -> bytes:
    return struct.pack("<HHIIIHHII", section, 0xABCD, offset, size, 0, module, 0, 0, 0)


@pytest.mark.parametrize("is_sorted", [True, False])
@pytest.mark.parametrize(("version", "pad"), [(0xF12EBA2D, b""), (0xF13151E4, bytes(4))])
def test_contributions(version: int, pad: bytes, is_sorted: bool) -> None:
    entries = [contribution(1, 16 * i, 12, i) + pad for i in range(40)] + [contribution(2, 0, 8, 77) + pad]
    if not is_sorted:
        entries.reverse()
    data = struct.pack("<I", version) + b"".join(entries)
    table = Contributions(stream_of(data), 0, len(data))
    assert not table.is_empty
    for _ in range(2):  # the first searches go through the stream, later ones through a column
        for i in (0, 1, 20, 39):
            assert table.find(1, 16 * i + 11).module == i
            assert table.find(1, 16 * i + 12) is None
            assert table.nearest(1, 16 * i + 15).module == i
        assert table.find(2, 7).module == 77
        assert table.find(2, 8) is None and table.find(3, 0) is None and table.find(0, 0) is None
    with pytest.raises(FormatError, match="version"):
        Contributions(stream_of(bytes(100)), 0, 100).find(1, 0)


def test_module_list() -> None:
    data = b"".join(
        bytes(64) + n + b"\0" + n + b".lib\0" + bytes(-(len(n) * 2 + 6) % 4) for n in (b"a", b"long name", b"")
    )
    assert len(find_modules(data)) == 3
    assert find_modules(data)[1] == 64 + 8
    for cut in range(len(data)):
        assert len(find_modules(data[:cut])) <= 3


def test_omap() -> None:
    omap = Omap(stream_of(struct.pack("<8I", 0x1000, 0x5000, 0x1010, 0, 0x1020, 0x3000, 0x1030, 0x6000)))
    assert [omap.translate(rva) for rva in (0xFFF, 0x1000, 0x100F, 0x1010, 0x1025, 0x2000)] == [
        None,
        0x5000,
        0x500F,
        None,
        0x3005,
        0x6FD0,
    ]


def frame(start: int, size: int, program: int = 0) -> bytes:
    return struct.pack("<6IHHI", start, size, 8, 4, 2, program, 3, 12, 5)


def test_frame_data_finds_the_innermost_block() -> None:
    whole = frame(0x100, 0x80, 10) + frame(0x110, 0x20, 20) + frame(0x200, 0x10, 30)
    for data in (whole, bytes(4) + whole, frame(0x200, 0x10, 30) + frame(0x110, 0x20, 20) + frame(0x100, 0x80, 10)):
        table = FrameTable(data)
        assert [(f := table.find(at)) and f[1] for at in (0xFF, 0x100, 0x110, 0x12F, 0x130, 0x17F, 0x180, 0x20F)] == [
            None,
            10,
            20,
            20,
            10,
            10,
            None,
            30,
        ]
    found, _ = FrameTable(whole).find(0x100)
    assert (found.local_size, found.params_size, found.max_stack, found.prolog_size, found.saved_regs_size) == (
        8,
        4,
        2,
        3,
        12,
    )
    assert found.has_seh and found.flags == 5


def test_fpo_counts_in_words() -> None:
    table = FpoTable(struct.pack("<IIIHBB", 0x100, 0x20, 3, 2, 5, 2 | 8 | 16 | 3 << 6))
    found = table.find(0x11F)
    assert (found.start, found.size, found.local_size, found.params_size) == (0x100, 0x20, 12, 8)
    assert (found.prolog_size, found.saved_regs_size, found.has_seh, found.uses_base_pointer, found.type) == (
        5,
        8,
        True,
        True,
        "nonfpo",
    )
    assert table.find(0x120) is None and table.find(0) is None
