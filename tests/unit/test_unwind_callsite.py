"""The check for call instructions against capstone, which knows them all."""

import random

import capstone
import pytest

from mdmp.unwind.callsite import arm64_call_before, x86_call_before


def decodes_as_call(machine: capstone.Cs, code: bytes) -> bool:
    """Do some of the last 2 to 7 bytes make up exactly one near call through a register, memory or displacement?"""
    for size in range(2, min(len(code), 7) + 1):
        found = list(machine.disasm(code[-size:], 0x1000))
        if len(found) == 1 and found[0].size == size and found[0].mnemonic == "call" and not far(code[-size:]):
            return True
    return False


def far(code: bytes) -> bool:
    """FF /3: through a far pointer, which no compiler uses."""
    opcode = code.lstrip(bytes((*range(0x40, 0x50), 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0xF0, 0xF2, 0xF3)))
    return len(opcode) > 1 and opcode[0] == 0xFF and opcode[1] >> 3 & 7 == 3


@pytest.mark.parametrize("mode", [capstone.CS_MODE_32, capstone.CS_MODE_64])
def test_x86_calls_are_recognised(mode: int) -> None:
    machine = capstone.Cs(capstone.CS_ARCH_X86, mode)
    rng = random.Random(mode)
    calls = 0
    for i in range(6000):
        code = bytearray(rng.randbytes(8))
        if i % 2:
            code[-rng.randrange(2, 8)] = rng.choice((0xFF, 0xE8))
        if 0x66 in code or 0x67 in code:
            continue  # prefixes that change the size of the operand: no compiler puts them before a call
        ours = x86_call_before(bytes(code)) is not None
        theirs = decodes_as_call(machine, bytes(code))
        calls += theirs
        assert ours == theirs, code.hex()
    assert calls > 200


def test_the_target_of_a_direct_call() -> None:
    assert x86_call_before(b"\x90\x90\x90\xe8\x10\0\0\0") == 0x10
    assert x86_call_before(b"\xe8\xfb\xff\xff\xff") == -5
    assert x86_call_before(b"\xff\xd0") == 0
    assert x86_call_before(b"\xd0") is None and x86_call_before(b"") is None


def test_arm64_calls_are_recognised() -> None:
    machine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    rng = random.Random(3)
    words = [0xD63F0000 | r << 5 for r in range(32)] + [rng.getrandbits(32) for _ in range(2000)]
    words += [0x94000000 | rng.getrandbits(26) for _ in range(50)] + [0x14000000, 0xD61F0000, 0xD65F03C0, 0xD63F0801]
    words += [0xD63F081F | r << 5 | key << 10 for r in range(32) for key in (0, 1)]
    words += [0xD73F0800 | rng.getrandbits(11) for _ in range(50)]
    for word in words:
        code = word.to_bytes(4, "little")
        found = list(machine.disasm(code, 0x1000))
        theirs = bool(found) and found[0].mnemonic in ("bl", "blr", "blraa", "blrab", "blraaz", "blrabz")
        assert arm64_call_before(code) == theirs, (hex(word), found)
