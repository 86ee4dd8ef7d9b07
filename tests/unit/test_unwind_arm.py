"""arm64 and arm walks: link register, frame records, signed addresses, tables of several kinds."""

import struct
from typing import Any

import pytest

from mdmp.arch import ARM, ARM64
from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.pe import pdata_arm64
from mdmp.formats.pe.headers import PeImage, open_file
from mdmp.formats.pe.pdata_arm64 import UnwindCode
from mdmp.unwind import Walk, walk
from mdmp.unwind.arm64_code import link_is_live
from mdmp.unwind.windows_arm64 import make_rule
from synth.dumpreader import Bytes, Module, Source
from synth.pe import CODE, DATA, pe64

BASE = 0x7C00000000
STACK = 0x7D00000000
RET, BL, STP, LDP, NOP = 0xD65F03C0, 0x94000000, 0xA9BF7BFD, 0xA8C17BFD, 0xD503201F
SIGNED = 0x7F << 48


def image(code: dict[int, list[int]], pdata: bytes = b"", xdata: bytes = b"") -> PeImage:
    text = bytearray(0x1000)
    for rva, words in code.items():
        struct.pack_into(f"<{len(words)}I", text, rva - 0x1000, *words)
    sections = [(b".text", 0x1000, bytes(text), CODE), (b".xdata", 0x2000, xdata or b"\0", DATA)]
    sections.append((b".pdata", 0x3000, pdata or b"\0", DATA))
    raw = pe64(sections, {3: (0x3000, len(pdata))} if pdata else {}, machine=0xAA64)
    return open_file(Window(bytes(raw), "t"))


# A framed function, a leaf behind it, and a caller of both.
TEXT = {0x1100: [STP, NOP, BL, NOP, LDP, RET], 0x1200: [NOP, NOP, NOP, RET], 0x1300: [STP, BL, NOP, BL, LDP, RET]}
FRAMED, LEAF, AFTER_FIRST, AFTER_SECOND = BASE + 0x110C, BASE + 0x1208, BASE + 0x1308, BASE + 0x1310


def go(registers: dict[str, int], words: list[int], found: Any = None, *, rows: Any = (), os: str = "linux") -> Walk:
    memory = Bytes([(STACK, struct.pack(f"<{len(words)}Q", *words))])
    source = Source([Module(BASE, 0x4000, "t", found or image(TEXT), rows=rows)])
    return walk({"sp": STACK, "x29": 0, "x30": 0, **registers}, ARM64, memory, source, os=os)


def trail(found: Walk) -> list[tuple[int, str]]:
    return [(frame.instruction, frame.trust) for frame in found.frames[1:]]


def test_a_leaf_function_returns_by_the_link_register() -> None:
    found = go({"pc": LEAF, "x30": AFTER_SECOND, "x29": STACK + 16}, [0, 0, 0, AFTER_FIRST, 0])
    assert trail(found)[0] == (AFTER_SECOND, "cfi") and trail(found)[1] == (AFTER_FIRST, "frame_pointer")
    assert found.frames[1].lookup == AFTER_SECOND - 1
    assert found.stop == "end of stack: frame pointer 0"


def test_a_function_that_has_called_returns_by_its_frame_record() -> None:
    found = go({"pc": FRAMED, "x30": BASE + 0x110C, "x29": STACK}, [STACK + 32, AFTER_FIRST, 0, 0, 0, AFTER_SECOND])
    assert trail(found) == [(AFTER_FIRST, "frame_pointer"), (AFTER_SECOND, "frame_pointer")]


@pytest.mark.parametrize(
    ("ahead", "live"),
    [
        ([NOP, RET], True),
        ([NOP, STP, BL], True),
        ([0xF81F0FFE], True),  # str x30, [sp, #-16]!
        ([0xA9BF4FF4, 0xA9017BFD], True),  # stp x20, x19, [sp, #-16]!; stp x29, x30, [sp, #16]
        ([0xD65F0BFF], True),  # retaa
        ([NOP, BL, RET], False),
        ([0xD63F0100, RET], False),  # blr x8
        ([0xA9477BFD, RET], False),  # ldp x29, x30, [sp, #112]
        ([0xF85F8E5E, RET], False),  # ldr x30, [x18, #-8]!: a shadow stack
        ([0x14000010, RET], None),  # b
        ([0xD61F0200, RET], None),  # br x16
        ([0xD4200020, STP], None),  # brk #1
        ([NOP], None),
        ([], None),
    ],
)
def test_the_code_ahead_tells_where_the_return_address_is(ahead: list[int], live: bool | None) -> None:
    assert link_is_live(struct.pack(f"<{len(ahead)}I", *ahead)) is live


def test_a_block_behind_the_return_of_a_framed_function() -> None:
    code = [STP, BL, LDP, RET, NOP, BL, NOP]  # `nop; bl` runs when a check failed; x30 is that of the first call
    found = image({**TEXT, 0x1400: code})
    inside = {"pc": BASE + 0x1410, "x30": BASE + 0x1408, "x29": STACK}
    assert trail(go(inside, [0, AFTER_FIRST], found))[0] == (AFTER_FIRST, "frame_pointer")


def test_signatures_are_no_part_of_an_address() -> None:
    words = [STACK + 32, SIGNED | AFTER_FIRST, 0, 0, 0, 0x35 << 55 | 0x1FF << 39 | AFTER_SECOND]
    found = go({"pc": FRAMED, "x30": 1, "x29": STACK}, words)
    assert [frame.instruction for frame in found.frames[1:]] == [AFTER_FIRST, AFTER_SECOND]


def test_a_wild_jump_returns_by_the_link_register() -> None:
    found = go({"pc": 0, "x30": AFTER_FIRST, "x29": STACK, "x19": 5}, [0, AFTER_SECOND])
    assert trail(found)[0] == (AFTER_FIRST, "cfi") and found.frames[1].registers["x19"] == 5


def test_stack_cfi_records_are_used() -> None:
    rules = {".cfa": ("sp", "32", "+"), ".ra": (".cfa", "-8", "+", "^"), "x29": (".cfa", "-16", "+", "^")}
    found = go({"pc": FRAMED}, [0, 0, 0x29, SIGNED | AFTER_FIRST, *[0] * 9], rows=(rules,))
    assert trail(found)[0] == (AFTER_FIRST, "cfi")
    assert found.frames[1].registers["x29"] == 0x29 and found.frames[1].sp == STACK + 32


def xdata(size: int, codes: bytes, *, epilogs: tuple[tuple[int, int], ...] = ()) -> bytes:
    codes += b"\xe4" * (-len(codes) % 4)
    head = struct.pack("<I", size // 4 | len(epilogs) << 22 | len(codes) // 4 << 27)
    return head + b"".join(struct.pack("<I", start // 4 | index << 22) for start, index in epilogs) + codes


def test_a_full_record_in_prolog_body_and_epilog() -> None:
    # stp x29, x30, [sp, #-32]!; stp x19, x20, [sp, #16]; mov x29, sp … sub sp (body) … ldp; ldp; ret
    record = xdata(24, bytes.fromhex("e1 c802 83 e4 c802 83 e4"), epilogs=((12, 5),))
    found = image(TEXT, struct.pack("<II", 0x1100, 0x2000), record)
    frame = [0x29, AFTER_FIRST, 0x19, 0x20]
    entry = {"x30": AFTER_FIRST, "x19": 0x19, "x20": 0x20, "x29": 0x29}
    inside = {"x30": 1, "x19": 2, "x20": 3, "x29": STACK}
    for offset, registers, words in (
        (0, entry, []),
        (4, {**inside, "x29": 0x29, "x19": 0x19, "x20": 0x20}, frame),
        (8, {**inside, "x29": 0x29}, frame),
        (12, inside, frame),  # both the end of the prolog and the start of the epilog
        (16, {**inside, "x29": STACK, "x19": 0x19, "x20": 0x20}, frame),
        (20, entry, []),
    ):
        got = go({"pc": BASE + 0x1100 + offset, **registers}, [*words, 0, 0, 0], found, os="windows")
        assert trail(got)[0] == (AFTER_FIRST, "cfi"), offset
        seen = got.frames[1]
        assert seen.sp == STACK + 8 * len(words)
        assert [seen.registers[name] for name in ("x19", "x20", "x29")] == [0x19, 0x20, 0x29], offset
    got = go({"pc": LEAF, "x30": BASE + 0x110C, "x29": STACK}, [*frame, 0], found, os="windows")
    assert [frame.trust for frame in got.frames[:3]] == ["context", "cfi", "cfi"]


def test_a_call_that_ends_its_function_belongs_to_it() -> None:
    """The return address is then the first of the next function, whose frame is another one."""
    entries = struct.pack("<6I", 0x1100, 0x2000, 0x1200, 0x2010, 0x120C, 0x2020)
    small = xdata(12, bytes.fromhex("81 e4"))  # stp x29, x30, [sp, #-16]!
    records = small.ljust(16, b"\0") + small.ljust(16, b"\0") + xdata(64, bytes.fromhex("87 e4"))
    code = {0x1100: [STP, NOP, RET], 0x1200: [STP, NOP, BL, STP, NOP, RET]}
    words = [0, BASE + 0x120C, 0, AFTER_FIRST, 0, 0]
    got = go({"pc": BASE + 0x1104}, words, image({**TEXT, **code}, entries, records), os="windows")
    assert [frame.instruction for frame in got.frames[1:3]] == [BASE + 0x120C, AFTER_FIRST]


def test_pairs_that_follow_each_other() -> None:
    codes = (UnwindCode("save_next"), UnwindCode("save_next"), UnwindCode("save_x", 96, ("x19", "x20")))
    rule = make_rule(codes)
    assert dict(rule.saves) == {"x19": -96, "x20": -88, "x21": -80, "x22": -72, "x23": -64, "x24": -56}
    assert (rule.register, rule.offset, rule.return_at) == ("sp", 96, None)


def test_what_was_saved_below_a_moved_stack_pointer_is_found_from_there() -> None:
    codes = (UnwindCode("save", 8, ("x21",)), UnwindCode("set_fp"), UnwindCode("save_x", 16, ("x29", "x30")))
    rule = make_rule(codes)
    assert (rule.register, rule.offset, rule.return_at) == ("x29", 16, -8)
    assert rule.near == (("x21", 8),) and dict(rule.saves) == {"x29": -16}


def test_frames_of_exceptions() -> None:
    rule = make_rule((UnwindCode("alloc", 32), UnwindCode("machine_frame")))
    assert rule.exact and rule.sp_at is not None and rule.return_at is not None
    assert (rule.offset + rule.sp_at, rule.offset + rule.return_at) == (32, 40)
    rule = make_rule((UnwindCode("context"),))
    assert rule.exact and dict(rule.saves)["x19"] + rule.offset == 8 + 19 * 8
    with pytest.raises(FormatError):
        make_rule((UnwindCode("trap_frame"),))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # CR 3, one pair of integers, 32 bytes: stp x19, x20, [sp, #-16]!; stp x29, x30, [sp, #-16]!; mov x29, sp
        (1 | 8 << 2 | 2 << 16 | 3 << 21 | 2 << 23, ["set_fp 0", "save_x 16 x29 x30", "save_x 16 x19 x20"]),
        # CR 1, one integer: x19 shares its pair with x30
        (1 | 8 << 2 | 1 << 16 | 1 << 21 | 1 << 23, ["save 0 x19 x30", "alloc 16"]),
        # CR 1, two integers: x30 alone above them
        (1 | 8 << 2 | 2 << 16 | 1 << 21 | 2 << 23, ["save 16 x30", "save_x 32 x19 x20"]),
        # CR 0, three floats (RegF 2), a large frame
        (1 | 8 << 2 | 2 << 13 | 300 << 23, ["alloc 688", "alloc 4080", "save 16 d10", "save_x 32 d8 d9"]),
        # CR 2, arguments at home: signed, eight stores of which the first makes room
        (1 | 20 << 2 | 1 << 20 | 2 << 21 | 6 << 23,
         ["set_fp 0", "save_x 32 x29 x30", "nop 0", "nop 0", "nop 0", "alloc 64", "pac_sign_lr 0"]),
    ],
)  # fmt: skip
def test_packed_entries_spell_out_their_prolog(data: int, expected: list[str]) -> None:
    unwind = pdata_arm64.read_packed(0x1000, data)
    assert [" ".join((code.op, str(code.size), *code.registers)) for code in unwind.codes] == expected
    assert unwind.prolog == len(expected)


def test_damaged_records_are_told() -> None:
    for raw in ("ffff0c00", "000040fa00000000", "01000008ff000000", "0100400800000001e4e4e4e4", "0100000800e00000"):
        found = image({}, struct.pack("<II", 0x1100, 0x2000), bytes.fromhex(raw) + bytes(64))
        with pytest.raises(FormatError):
            pdata_arm64.find_unwind(found, 0x1100)
    with pytest.raises(FormatError):
        pdata_arm64.read_packed(0x1000, 1 | 10 << 16)
    with pytest.raises(FormatError):
        pdata_arm64.find_unwind(image({}, struct.pack("<II", 0x1100, 3)), 0x1100)


def go_arm(registers: dict[str, int], words: list[int], os: str = "linux") -> Walk:
    text = bytearray(0x1000)
    struct.pack_into("<I", text, 0x100, 0xEB000000)  # bl
    struct.pack_into("<HH", text, 0x200, 0xF000, 0xF801)  # bl in Thumb
    found = open_file(Window(bytes(pe64([(b".text", 0x1000, bytes(text), CODE)])), "t"))
    memory = Bytes([(0x8000, struct.pack(f"<{len(words)}I", *words))])
    source = Source([Module(0x400000, 0x4000, "t", found)])
    return walk({"sp": 0x8000, "lr": 0, **registers}, ARM, memory, source, os=os)


def test_arm_frame_records_and_link_register() -> None:
    arm_back, thumb_back = 0x401104, 0x401205
    found = go_arm({"pc": 0x401800, "r11": 0x8000}, [0x8010, arm_back, 0, 0, 0, thumb_back])
    assert trail(found) == [(arm_back, "frame_pointer"), (thumb_back - 1, "frame_pointer")]
    found = go_arm({"pc": 0x401800, "r7": 0x8000}, [0, thumb_back], os="ios")
    assert trail(found) == [(thumb_back - 1, "frame_pointer")]
    found = go_arm({"pc": 0x401800, "lr": thumb_back, "r11": 0}, [0] * 4)
    assert trail(found)[0] == (thumb_back - 1, "cfi")
    found = go_arm({"pc": 0x401800, "r11": 0}, [1, 2, arm_back, 0])
    assert trail(found)[0] == (arm_back, "scan")
