"""How amd64 walks begin and end when things are missing, damaged or wild."""

import random
import struct

import pytest

from mdmp.arch import AMD64, CPUS
from mdmp.binary.window import Window
from mdmp.errors import UsageError
from mdmp.formats.pe.headers import PeImage, open_file
from mdmp.unwind import Walker, walk
from synth.dumpreader import Bytes, Module, Source
from synth.pe import unwind_info, with_pdata

BASE = 0x7FF600000000
STACK = 0x200000
CALL = b"\xe8\x00\x00\x00\x00"


def image(code: dict[int, bytes], functions: list[tuple[int, int, bytes]]) -> PeImage:
    text = bytearray(b"\xcc" * 0x1000)
    for rva, piece in code.items():
        text[rva - 0x1000 : rva - 0x1000 + len(piece)] = piece
    return open_file(Window(bytes(with_pdata(bytes(text), functions)), "t.dll"))


FRAME_28 = unwind_info([(4, 2, 4)], 4)  # sub rsp, 28h
BODY = b"\x48\x83\xec\x28" + b"\x90" * 12 + CALL + b"\x90" * 16
PLAIN = image({0x1000: BODY, 0x1100: BODY}, [(0x1000, 0x1040, FRAME_28), (0x1100, 0x1140, FRAME_28)])
BACK = BASE + 0x1000 + 4 + 12 + 5


def stack(*words: int, size: int = 0x400) -> Bytes:
    return Bytes([(STACK, struct.pack(f"<{len(words)}Q", *words) + bytes(size - 8 * len(words)))])


def source(found: PeImage | None = PLAIN, size: int = 0x10000) -> Source:
    return Source([Module(BASE, size, "t.dll", found)])


def start(pc: int = BASE + 0x1010, **more: int) -> dict[str, int]:
    return {"rip": pc, "rsp": STACK, "rbp": 0, **more}


def test_the_end_of_a_stack() -> None:
    found = walk(start(), AMD64, stack(0, 0, 0, 0, 0, BACK, 0, 0, 0, 0, 0, 0), source())
    assert [frame.instruction for frame in found.frames] == [BASE + 0x1010, BACK]
    assert [frame.trust for frame in found.frames] == ["context", "cfi"]
    assert found.frames[1].lookup == BACK - 1 and found.frames[0].lookup == BASE + 0x1010
    assert found.frames[1].sp == STACK + 0x30
    assert found.stop == "end of stack: return address 0"


def test_memory_that_ends() -> None:
    found = walk(start(), AMD64, Bytes([(STACK, bytes(0x20))]), source())
    assert len(found.frames) == 1 and found.stop == f"no memory at {STACK + 0x28:#x}"


def test_recursion_ends_at_the_limit() -> None:
    memory = Bytes([(STACK, struct.pack("<6Q", 0, 0, 0, 0, 0, BACK) * 100)])
    assert len(walk(start(), AMD64, memory, source(), limit=50).frames) == 50
    assert walk(start(), AMD64, memory, source(), limit=50).stop == "limit of 50 frames"


def test_a_context_without_stack_pointer() -> None:
    found = walk({"rip": BACK}, AMD64, stack(), source())
    assert found.frames == () and "rsp" in found.stop
    with pytest.raises(UsageError):
        Walker(CPUS["amd64"]._replace(name="mips"), stack(), source())


def test_a_small_number_in_place_of_a_return_address_ends_the_stack() -> None:
    found = walk(start(), AMD64, stack(0, 0, 0, 0, 0, 1), source())
    assert len(found.frames) == 1 and found.stop == "end of stack: return address 0x1, which is no code"


def test_a_jump_to_nowhere_returns_to_its_call() -> None:
    for target in (0, 0xBAD0BAD, STACK + 0x100):
        found = walk(start(target, rbx=77), AMD64, stack(BACK, *[0] * 12), source())
        assert [frame.trust for frame in found.frames] == ["context", "cfi"]
        assert found.frames[1].instruction == BACK and found.frames[1].registers["rbx"] == 77


def test_a_jump_to_nowhere_with_a_stack_of_rubbish() -> None:
    found = walk(start(0xBAD0BAD), AMD64, stack(1, 2, 3, STACK + 8, 5), source())
    assert len(found.frames) == 1 and found.stop == "no caller found for 0xbad0bad"


def test_without_tables_only_words_behind_calls_count() -> None:
    stale, memory = BASE + 0x1030, stack(0, BASE + 0x1030, 0, 5, BACK)
    whole = image({0x1000: BODY}, [])
    found = walk(start(BASE + 0x1800), AMD64, memory, source(whole))
    assert [frame.instruction for frame in found.frames] == [BASE + 0x1800, BACK]
    assert found.frames[1].trust == "scan"
    # Without the image nothing tells them apart, except that calls leave the stack aligned.
    found = walk(start(BASE + 0x1800), AMD64, memory, source(None))
    assert found.frames[1].instruction == stale and found.frames[1].trust == "scan"
    found = walk(start(BASE + 0x1800), AMD64, stack(BASE + 0x1030, 0, 0, BACK), source(None))
    assert found.frames[1].instruction == BACK


def test_frame_pointers_of_code_outside_modules_and_other_systems() -> None:
    memory = stack(0, 0, STACK + 0x40, BACK, 0, 0, 0, 0, 0, BACK, 0)
    whole = image({0x1000: BODY}, [])
    for pc, os in ((0x5550000, "windows"), (BASE + 0x1800, "linux")):
        registers = start(pc, rbp=STACK + 0x10)
        jit = Source([Module(BASE, 0x10000, "t.dll", whole)], executable=lambda address: address >> 16 == 0x555 or None)
        found = walk(registers, AMD64, memory, jit, os=os)
        assert [frame.trust for frame in found.frames[:2]] == ["context", "frame_pointer"], os
        assert found.frames[1].instruction == BACK and found.frames[1].registers["rbp"] == STACK + 0x40


def test_a_frame_pointer_of_zero_ends_the_chain() -> None:
    jit = Source([Module(BASE, 0x10000, "t.dll", image({0x1000: BODY}, []))], executable=lambda address: True)
    found = walk(start(0x5550000, rbp=STACK + 0x10), AMD64, stack(0, 0, 0, BACK, BACK, BACK), jit, os="linux")
    assert len(found.frames) == 2 and found.stop == "end of stack: frame pointer 0"


def test_a_thread_in_a_system_call_stub_without_image() -> None:
    code = b"\x0f\x05\xc3"
    memory = Bytes([(STACK, struct.pack("<8Q", BACK, 0, 0, 0, 0, 0, 0, 0)), (BASE + 0x1802, b"\xc3")])
    found = walk(start(BASE + 0x1802), AMD64, memory, source(None))
    assert found.frames[1].instruction == BACK and found.frames[1].trust == "cfi", code


def test_a_machine_frame_leads_to_an_interrupted_instruction() -> None:
    info = unwind_info([(0, 2, 1), (0, 10, 1)], 0)  # 16 bytes, then an error code and the machine frame
    tables = image({0x1000: BODY, 0x1100: BODY}, [(0x1000, 0x1040, FRAME_28), (0x1200, 0x1240, info)])
    machine_frame = [7, 7, 0xEC, BASE + 0x1010, 0x33, 0x246, STACK + 0x200, 0x2B]
    memory = Bytes(
        [
            (
                STACK,
                struct.pack("<8Q", *machine_frame) + bytes(0x200 - 64) + struct.pack("<12Q", *[0] * 5, BACK, *[0] * 6),
            )
        ]
    )
    found = walk(start(BASE + 0x1210), AMD64, memory, source(tables))
    assert [frame.instruction for frame in found.frames] == [BASE + 0x1210, BASE + 0x1010, BACK]
    assert found.frames[1].lookup == BASE + 0x1010  # not one less: it was interrupted there
    assert found.frames[1].sp == STACK + 0x200


def test_machine_frames_in_a_circle_end() -> None:
    info = unwind_info([(0, 10, 0)], 0)
    tables = image({0x1000: BODY}, [(0x1200, 0x1240, info)])
    memory = stack(BASE + 0x1210, 0x33, 0x246, STACK, 0x2B)
    found = walk(start(BASE + 0x1210), AMD64, memory, source(tables))
    assert len(found.frames) <= 3 and found.stop.startswith("no progress")


def test_parts_of_a_function_share_its_frame() -> None:
    """A part split off by the compiler saves rbx itself; the rest of the frame is the primary part's."""
    primary = unwind_info([(6, 2, 4), (2, 0, 12)], 6)  # push r12; sub rsp, 28h
    chained = unwind_info([(5, 4, 3, 7)], 5, flags=4, tail=struct.pack("<III", 0x1000, 0x1040, 0x2000))
    tables = image({0x1000: BODY, 0x1100: BODY}, [(0x1000, 0x1040, primary), (0x1100, 0x1140, chained)])
    words = [0, 0, 0, 0, 0, 0x1212, BACK, 0xBBBB, 0, 0, 0, 0, 0, 0]
    found = walk(start(BASE + 0x1110, rbx=1, r12=2), AMD64, stack(*words), source(tables))
    assert found.frames[1].instruction == BACK
    assert (found.frames[1].registers["rbx"], found.frames[1].registers["r12"]) == (0xBBBB, 0x1212)
    found = walk(start(BASE + 0x1102, rbx=1, r12=2), AMD64, stack(*words), source(tables))
    assert (found.frames[1].registers["rbx"], found.frames[1].registers["r12"]) == (1, 0x1212)


def test_epilogs_told_by_version_2_when_the_code_is_not_at_hand() -> None:
    # push rbp; push r12; sub rsp, 28h … add rsp, 28h; pop r12; pop rbp; ret (at the end: 4 bytes)
    info = unwind_info([(4, 6, 1), (0x12, 6, 0), (7, 2, 4), (3, 0, 12), (1, 0, 5)], 7, version=2)
    tables = image({}, [(0x1000, 0x1026, info)])
    whole = tables.data

    class NoCode:
        def read(self, rva: int, size: int) -> bytes:
            from mdmp.errors import FormatError

            if 0x1000 <= rva < 0x1900:
                raise FormatError("image", "not kept", rva)
            return whole.read(rva, size)

    tables.data = NoCode()
    for offset, words in (
        (0x22, [0x12, 0x55, BASE + 0x1905]),
        (0x24, [0x55, BASE + 0x1905]),
        (0x25, [BASE + 0x1905]),
        (0x14, [0x12, 0x55, BASE + 0x1905]),
    ):
        found = walk(start(BASE + 0x1000 + offset, rbp=0x55, r12=0x12), AMD64, stack(*words), source(tables))
        assert found.frames[1].instruction == BASE + 0x1905, hex(offset)
        assert found.frames[1].registers["rbp"] == 0x55 and found.frames[1].registers["r12"] == 0x12
        assert found.frames[1].sp == STACK + 8 * len(words)


@pytest.mark.parametrize("seed", range(30))
def test_rubbish_ends(seed: int) -> None:
    rng = random.Random(seed)
    pool = [BACK, BASE + 0x1010, BASE + 0x1110, STACK + 8, STACK, 0, BASE, (1 << 64) - 8, 1 << 47]
    words = [rng.choice([*pool, rng.randrange(1 << 64), STACK + rng.randrange(0x400)]) for _ in range(128)]
    registers = {name: rng.choice([*pool, rng.randrange(1 << 64)]) for name in AMD64.registers}
    registers["rsp"] = STACK + rng.randrange(0x80)
    found = walk(registers, AMD64, stack(*words), source())
    assert 1 <= len(found.frames) <= 130 and found.stop
    assert all(frame.sp < later.sp for frame, later in zip(found.frames, found.frames[1:], strict=False))


def test_a_jump_inside_a_function_is_no_epilog() -> None:
    """Nor is one to another part of it; one to another function is."""
    code = {0x1000: BODY, 0x1010: b"\xeb\x10", 0x1012: b"\xe9\xe9\x00\x00\x00", 0x1017: b"\xe9\xe4\x01\x00\x00"}
    part = unwind_info([], 0, flags=4, tail=struct.pack("<III", 0x1000, 0x1040, 0x2000))
    tables = image(code, [(0x1000, 0x1040, FRAME_28), (0x1100, 0x1140, part), (0x1200, 0x1240, FRAME_28)])
    there = BASE + 0x1305
    for offset, depth in ((0x10, 5), (0x12, 5), (0x17, 0)):
        words = [there + 16 * i for i in range(8)]
        found = walk(start(BASE + 0x1000 + offset), AMD64, stack(*words), source(tables), limit=2)
        assert found.frames[1].instruction == there + 16 * depth, hex(offset)


def test_a_call_that_ends_its_function_belongs_to_it() -> None:
    """The return address is then the first of the next function, whose frame is another one."""
    other = unwind_info([(4, 2, 8)], 4)  # sub rsp, 48h
    code = {0x1000: b"\x90" * 11 + CALL, 0x1100: BODY}
    tables = image(code, [(0x1000, 0x1010, FRAME_28), (0x1010, 0x1040, other), (0x1100, 0x1140, FRAME_28)])
    words = [0, 0, 0, 0, 0, BASE + 0x1010, 0, 0, 0, 0, 0, BASE + 0x1115, *[0] * 8]
    found = walk(start(BASE + 0x1108), AMD64, stack(*words), source(tables))
    assert [frame.instruction for frame in found.frames[1:]] == [BASE + 0x1010, BASE + 0x1115]


def test_a_direct_call_out_of_the_module_is_none() -> None:
    code = {0x1000: BODY, 0x1200: b"\xe8\x00\x00\x00\x40", 0x1300: CALL}
    found = walk(start(BASE + 0x1800), AMD64, stack(BASE + 0x1205, 0, BASE + 0x1305), source(image(code, [])))
    assert found.frames[1].instruction == BASE + 0x1305


def test_far_words_need_proof() -> None:
    words = [*[0] * 170, 0, BASE + 0x1305]
    memory = stack(*words, size=0x800)
    assert len(walk(start(BASE + 0x1800), AMD64, memory, source(None)).frames) == 1
    proved = source(image({0x1300: CALL}, []))
    assert walk(start(BASE + 0x1800), AMD64, memory, proved).frames[1].instruction == BASE + 0x1305
