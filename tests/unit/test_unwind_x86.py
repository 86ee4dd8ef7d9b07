"""x86 frames: PDB frame data, FPO records, instructions at hand, ebp chains, scans."""

import struct

import pytest

from mdmp.arch import X86
from mdmp.binary.window import Window
from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pe.headers import open_file
from mdmp.unwind import Walk, walk
from synth.dumpreader import Bytes, Module, Source
from synth.pe import CODE, pe64

BASE = 0x400000
STACK = 0x120000
TEXT = bytearray(b"\x90" * 0x1000)


def call_at(rva: int, target: int) -> int:
    """Puts a call there; gives the return address behind it."""
    TEXT[rva - 0x1000 : rva - 0x1000 + 5] = b"\xe8" + struct.pack("<i", target - rva - 5)
    return BASE + rva + 5


INNER, MIDDLE, OUTER = 0x1100, 0x1200, 0x1300
TO_INNER = call_at(0x1220, INNER)
TO_MIDDLE = call_at(0x1320, MIDDLE)
TO_OUTER = call_at(0x1420, OUTER)
STALE = call_at(0x1520, 0x1600)
RA_SEARCH = "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + ="
EBP_FRAME = "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + ="


def record(start: int, size: int = 0x100, *, program: str = RA_SEARCH, saved: int = 0, local: int = 0, params: int = 0,
           kind: str = "framedata", uses_ebp: bool = False) -> FrameData:  # fmt: skip
    return FrameData(start, size, local, params, 0, program, 0, saved, 0, kind, False, uses_ebp)


def go(registers: dict[str, int], words: list[int], *records: FrameData, code: dict[int, bytes] | None = None,
       image: bool = True, os: str = "windows") -> Walk:  # fmt: skip
    text = bytearray(TEXT)
    for rva, piece in (code or {}).items():
        text[rva - 0x1000 : rva - 0x1000 + len(piece)] = piece
    pe = open_file(Window(bytes(pe64([(b".text", 0x1000, bytes(text), CODE)])), "t.dll")) if image else None
    memory = Bytes([(STACK, struct.pack(f"<{len(words)}I", *words))])
    source = Source([Module(BASE, 0x2000, "t.dll", pe, records)])
    return walk({"esp": STACK, **registers}, X86, memory, source, os=os)


def trail(found: Walk) -> list[tuple[int, str]]:
    return [(frame.instruction, frame.trust) for frame in found.frames]


def test_frame_data_with_saved_registers_and_arguments() -> None:
    # inner: saved esi, one local word; middle: pushed two arguments for inner, has ebx saved; outer: an ebp frame
    inner = record(INNER, program=RA_SEARCH + " $esi $T0 4 - ^ =", saved=4, local=4, params=8)
    middle = record(MIDDLE, program=RA_SEARCH + " $20 $T0 4 - ^ =", saved=4)
    outer = record(OUTER, program=EBP_FRAME + " $23 $T0 4 - ^ =", saved=4, local=0)
    words = [0x11, 0x51, TO_INNER, 1, 2, 0xB0, TO_MIDDLE, 0x51E, STACK + 0x40, TO_OUTER, *[0] * 8]
    found = go({"eip": BASE + INNER + 8, "ebp": STACK + 32, "ebx": 9, "esi": 8, "edi": 7}, words, inner, middle, outer)
    assert trail(found)[:4] == [
        (BASE + INNER + 8, "context"), (TO_INNER, "cfi"), (TO_MIDDLE, "cfi"), (TO_OUTER, "cfi"),
    ]  # fmt: skip
    assert found.frames[1].registers["esi"] == 0x51 and found.frames[1].registers["ebx"] == 9
    assert found.frames[1].sp == STACK + 12 and found.frames[2].sp == STACK + 28
    assert found.frames[2].registers["ebx"] == 0xB0 and found.frames[2].registers["edi"] == 7
    assert found.frames[3].registers["esi"] == 0x51E and found.frames[3].registers["ebp"] == STACK + 0x40
    assert "eax" not in found.frames[1].registers


def test_a_return_address_a_few_words_off_is_searched() -> None:
    found = go({"eip": BASE + INNER + 8}, [0, 0, TO_INNER, 0, 0, 0], record(INNER, local=4))
    assert trail(found)[1] == (TO_INNER, "cfi_scan")


def test_an_aligned_stack_is_left_by_ebp() -> None:
    program = "$T1 .raSearch = $T0 $T1 4 - 8 @ = $ebp $T1 4 - ^ = $eip $T1 ^ = $esp $T1 4 + ="
    words = [0] * 5 + [STACK + 0x60, TO_INNER] + [0] * 6
    found = go({"eip": BASE + INNER + 8, "ebp": STACK + 20}, words, record(INNER, program=program, local=4))
    assert trail(found)[1] == (TO_INNER, "cfi") and found.frames[1].registers["ebp"] == STACK + 0x60


@pytest.mark.parametrize("kind", ["fpo", "nonfpo"])
def test_old_fpo_records(kind: str) -> None:
    words = [1, 0xED1, 0xE51, STACK + 0x30, 0xEB, TO_INNER, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    if kind == "fpo":
        found = go({"eip": BASE + INNER + 8, "ebp": 0}, words,
                   record(INNER, program="", saved=16, local=4, kind=kind, uses_ebp=True))  # fmt: skip
    else:
        found = go({"eip": BASE + INNER + 8, "ebp": STACK + 16}, [*words[:4], STACK + 0x30, *words[5:]],
                   record(INNER, program="", kind=kind))  # fmt: skip
    assert trail(found)[1] == (TO_INNER, "cfi")
    assert found.frames[1].registers["ebp"] == STACK + 0x30


def test_a_program_without_sense_falls_back_to_ebp() -> None:
    words = [0, 0, 0, TO_INNER, 0]
    for program in ("$T0 + =", "$eip", "$eip $T9 ^ =", "$eip 8 0 / =", "$esp 4 =", "% % %", ""):
        found = go({"eip": BASE + INNER + 8, "ebp": STACK + 8}, words, record(INNER, program=program or "="))
        assert trail(found)[1] == (TO_INNER, "frame_pointer"), program


def test_the_way_out_of_a_function_is_carried_out() -> None:
    ending = b"\x83\xc4\x08\x5e\x5b\xc9\xc2\x08\x00"  # add esp,8; pop esi; pop ebx; leave; ret 8
    words = [9, 9, 0x51, 0xB0, 9, STACK + 0x40, TO_INNER, 0, 0, 0]
    found = go({"eip": BASE + INNER, "ebp": STACK + 20, "ebx": 1, "esi": 2}, words, code={INNER: ending})
    assert trail(found)[1] == (TO_INNER, "cfi")
    registers = found.frames[1].registers
    assert (registers["esi"], registers["ebx"], registers["ebp"]) == (0x51, 0xB0, STACK + 0x40)
    assert registers["esp"] == STACK + 28


def test_the_first_instructions_of_a_function() -> None:
    setup = b"\x55\x8b\xec\x83\xec\x10"
    before = go({"eip": BASE + INNER, "ebp": STACK + 0x20}, [TO_INNER, 0, 0], code={INNER: setup})
    assert trail(before)[1] == (TO_INNER, "cfi") and before.frames[1].registers["ebp"] == STACK + 0x20
    between = go({"eip": BASE + INNER + 1, "ebp": 5}, [STACK + 0x20, TO_INNER, 0], code={INNER: setup})
    assert trail(between)[1] == (TO_INNER, "cfi") and between.frames[1].registers["ebp"] == STACK + 0x20


def test_a_returned_system_call_leaves_its_own_address_on_the_stack() -> None:
    here = BASE + 0x1705
    stub = {0x1700: b"\xe8\x00\x00\x00\x00\xc2\x04\x00"}
    found = go({"eip": here, "ebp": 0}, [here, TO_INNER, 0, 0], code=stub)
    assert trail(found)[1] == (TO_INNER, "cfi")
    # Windows 7 takes it off itself.
    found = go({"eip": here, "ebp": 0}, [here, TO_INNER, 0, 0], code={0x1700: b"\xe8\0\0\0\0\x83\xc4\x04\xc2\x04\0"})
    assert trail(found)[1] == (TO_INNER, "cfi")


def test_a_jump_to_nowhere() -> None:
    found = go({"eip": 0, "ebp": STACK + 0x20, "edi": 3}, [TO_INNER, 0, 0])
    assert trail(found)[1] == (TO_INNER, "cfi") and found.frames[1].registers["edi"] == 3


def test_ebp_chains_end_at_zero() -> None:
    words = [0, 0, STACK + 16, TO_INNER, 0, TO_MIDDLE, 0, TO_OUTER, 0, 0]
    registers = {"eip": BASE + INNER + 8, "ebp": STACK + 8}
    chain = [(TO_INNER, "frame_pointer"), (TO_MIDDLE, "frame_pointer")]
    found = go(registers, words, os="linux")
    assert trail(found)[1:] == chain and found.stop == "end of stack: frame pointer 0"
    # Windows has a return address of 0 there as well: code that uses ebp for other things has put the zero.
    found = go(registers, words)
    assert trail(found)[1:] == [*chain, (TO_OUTER, "scan")]
    found = go(registers, [*words[:4], 0, 0])
    assert trail(found)[1:] == chain[:1] and found.stop == "end of stack: return address 0"


def test_scans_take_only_words_behind_calls_where_code_can_be_read() -> None:
    words = [BASE + 0x1050, 0x1234, STALE, 0]
    found = go({"eip": BASE + 0x1700, "ebp": 1}, words)
    assert trail(found)[1] == (STALE, "scan")
    found = go({"eip": BASE + 0x1700, "ebp": 1}, words, image=False)
    assert trail(found)[1] == (BASE + 0x1050, "scan")


def test_a_frameless_caller_below_the_ebp_chain_is_not_skipped() -> None:
    # middle keeps no frame pointer: ebp is still outer's, but a call to inner's own code lies between
    words = [0, TO_INNER, 0, STACK + 0x20, TO_MIDDLE, 0, 0, 0, 0, TO_OUTER]
    found = go({"eip": BASE + INNER + 8, "ebp": STACK + 12}, words)
    assert found.frames[1].instruction == TO_INNER
    found = go({"eip": BASE + INNER + 8, "ebp": STACK + 12}, [0, STALE, *words[2:]])
    assert found.frames[1].instruction == TO_MIDDLE
