"""CPU contexts: which layout is chosen, and the registers in it."""

import struct

import pytest

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.minidump.contexts.choose import decode_context
from mdmp.formats.minidump.contexts.context import CpuContext
from synth import minidump as synth

XMM0 = int.from_bytes(bytes(range(1, 17)), "little")


def decoded(raw: bytes, architecture: int | None) -> CpuContext:
    return decode_context(Window(raw, "context"), architecture)


def arm64_windows() -> bytes:
    raw = struct.pack("<II", 0x40001F, 0x60000000) + struct.pack("<33Q", *range(100, 133))
    return (raw + bytes(16) + (7).to_bytes(16, "little")).ljust(912, b"\0")


def arm64_old() -> bytes:
    raw = struct.pack("<Q33Q", 0x80000006, *range(100, 133)) + struct.pack("<III", 0x60000000, 1, 2)
    return (raw + bytes(16) + (7).to_bytes(16, "little")).ljust(796, b"\0")


def arm_breakpad() -> bytes:
    return (struct.pack("<I17I", 0x40000006, *range(100, 117)) + struct.pack("<QQQ", 5, 8, 9)).ljust(368, b"\0")


def arm_windows() -> bytes:
    return (struct.pack("<I17I", 0x20000F, *range(100, 117)) + struct.pack("<IIQQ", 5, 0, 8, 9)).ljust(416, b"\0")


@pytest.mark.parametrize("architecture", [synth.AMD64, None, synth.X86])
def test_amd64(architecture: int | None) -> None:
    """A wrong or missing SystemInfo does not matter: the flags name the layout."""
    found = decoded(synth.context_amd64(rip=0x140001000, rsp=0x1000, r15=15), architecture)
    assert found.cpu == "amd64"
    assert (found.registers["rip"], found.registers["rsp"], found.registers["r15"]) == (0x140001000, 0x1000, 15)
    assert (found.registers["cs"], found.registers["gs"], found.registers["eflags"]) == (0x33, 0x2B, 0x202)
    assert found.vector["xmm0"] == XMM0
    assert found.xstate is None


def test_only_the_groups_that_the_flags_name_are_known() -> None:
    found = decoded(synth.context_amd64(flags=0x100001, rip=5, rax=6), synth.AMD64)
    assert set(found.registers) == {"rip", "rsp", "cs", "ss", "eflags"}
    assert found.vector == {}
    everything = decoded(synth.context_amd64(flags=0x100000, rip=5, rax=6), synth.AMD64)
    assert everything.registers["rax"] == 6


def test_windows_marks_in_the_flags_do_not_matter() -> None:
    assert decoded(synth.context_amd64(flags=0xD810001F, rip=5), synth.AMD64).registers["rip"] == 5
    assert decoded(synth.context_x86(flags=0x4801003F, eip=5), synth.X86).registers["eip"] == 5


def test_xstate_is_found_through_context_ex() -> None:
    area = bytes(range(64)) * 2
    ex = struct.pack("<iIiIiI", -1232, 1232 + 24 + 128, -1232, 1232, 24, 128)
    found = decoded(synth.context_amd64(flags=0x10005F) + ex + area, synth.AMD64)
    assert found.xstate == area
    assert decoded(synth.context_amd64(flags=0x10005F) + ex, synth.AMD64).xstate is None


def test_x86_with_and_without_extended_registers() -> None:
    raw = synth.context_x86(eip=0x401000, esp=0x1000, ebp=0x1010, eax=1, gs=0x2B)
    found = decoded(raw, synth.X86)
    assert (found.cpu, found.registers["eip"], found.registers["ebp"], found.registers["gs"]) == (
        "x86",
        0x401000,
        0x1010,
        0x2B,
    )
    assert found.vector["xmm0"] == XMM0
    short = decoded(raw[:204], synth.X86)
    assert short.registers == found.registers
    assert "xmm0" not in short.vector


@pytest.mark.parametrize(
    ("raw", "architectures"),
    [(arm64_windows(), (12, 0x8003, None)), (arm64_old(), (0x8003, 12, None))],
)
def test_arm64_both_layouts(raw: bytes, architectures: tuple[int | None, ...]) -> None:
    for architecture in architectures:
        found = decoded(raw, architecture)
        assert found.cpu == "arm64"
        assert (found.registers["x0"], found.registers["x30"]) == (100, 130)
        assert (found.registers["sp"], found.registers["pc"], found.registers["cpsr"]) == (131, 132, 0x60000000)
        assert found.vector["v1"] == 7


@pytest.mark.parametrize("raw", [arm_breakpad(), arm_windows()])
def test_arm_both_layouts(raw: bytes) -> None:
    found = decoded(raw, synth.ARM)
    assert found.cpu == "arm"
    assert (found.registers["r0"], found.registers["r12"], found.registers["sp"]) == (100, 112, 113)
    assert (found.registers["lr"], found.registers["pc"], found.registers["cpsr"]) == (114, 115, 116)
    assert (found.vector["d0"], found.vector["d1"], found.vector["fpscr"]) == (8, 9, 5)


@pytest.mark.parametrize(
    ("raw", "cpu", "pc"),
    [
        (
            struct.pack("<II32QQQ", 0x40000, 0, *range(32), 0, 0).ljust(312, b"\0") + struct.pack("<QQ", 0x77, 0),
            "mips",
            0x77,
        ),
        (struct.pack("<III", 0x20000001, 0x77, 0), "ppc", 0x77),
        (struct.pack("<QQQ", 0x1000001, 0x77, 0), "ppc64", 0x77),
        (struct.pack("<II32QQQ", 0x10000001, 0, *range(32), 0, 0x77), "sparc", 0x77),
        (struct.pack("<III", 0x800001, 0, 0x77), "riscv", 0x77),
        (struct.pack("<IIQ", 0x8000001, 0, 0x77), "riscv64", 0x77),
    ],
)
def test_other_processors_are_listed(raw: bytes, cpu: str, pc: int) -> None:
    found = decoded(raw.ljust(1400, b"\0"), None)
    assert (found.cpu, found.registers["pc"]) == (cpu, pc)


@pytest.mark.parametrize("raw", [b"", bytes(7), bytes(1232), synth.context_amd64()[:1231], b"\xff" * 2000])
def test_what_is_no_context_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError, match="CPU context"):
        decoded(raw, synth.AMD64)
