"""Random x64 functions, carried out step by step by a small machine of the test's own, unwound at every step."""

import random
import struct
from dataclasses import dataclass, field

import pytest

from mdmp.arch import AMD64
from mdmp.binary.window import Window
from mdmp.formats.pe.headers import open_file
from mdmp.unwind import walk
from synth.dumpreader import Bytes, Module, Source
from synth.pe import unwind_info, with_pdata

NAMES = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))
SAVED = (3, 5, 6, 7, 12, 13, 14, 15)
BASE = 0x7FF600000000
STACK = 0x1000000
RETURN = BASE + 0x1FF5  # behind the call that ends .text
PUSH, LARGE, SMALL, FPREG, SAVE, SAVE_FAR, XMM = 0, 1, 2, 3, 4, 5, 8


def rex(number: int, base: int = 0x40) -> bytes:
    prefix = base | (1 if number >= 8 else 0)
    return bytes([prefix]) if prefix != 0x40 else b""


@dataclass
class Machine:
    registers: dict[str, int]
    memory: bytearray = field(default_factory=lambda: bytearray(random.Random(1).randbytes(0x4000)))

    def store(self, address: int, value: int) -> None:
        struct.pack_into("<Q", self.memory, address - STACK, value)

    def load(self, address: int) -> int:
        return int(struct.unpack_from("<Q", self.memory, address - STACK)[0])

    def push(self, value: int) -> None:
        self.registers["rsp"] -= 8
        self.store(self.registers["rsp"], value)

    def pop(self) -> int:
        value = self.load(self.registers["rsp"])
        self.registers["rsp"] += 8
        return value


class Function:
    """A random legal function: prolog, a body of two instructions, and an epilog, as instructions with effects."""

    def __init__(self, rng: random.Random) -> None:
        self.steps: list[tuple[bytes, object]] = []
        self.codes: list[tuple[int, ...]] = []
        self.frame = (0, 0)
        pushed = rng.sample(SAVED, rng.randrange(0, 5))
        for number in pushed:
            self.step(rex(number) + bytes([0x50 + number % 8]), lambda m, n=number: m.push(m.registers[NAMES[n]]))
            self.codes.append((self.size, PUSH, number))
        size = rng.choice([0, 8, 40, 128, 136, 1024, 4096])
        frame = rng.choice([0, 0, 5, 13]) if size else 0
        if frame and frame not in pushed:
            frame = 0
        if size:
            self.allocate(size)
        if frame:
            offset = rng.randrange(0, min(size, 240) // 16 + 1)
            self.frame = (frame, offset)
            self.lea(frame, offset * 16)
            self.codes.append((self.size, FPREG, 0))
        for i, number in enumerate(n for n in SAVED if n not in pushed and n != frame and size >= 128):
            if rng.random() < 0.4:
                self.save(number, 8 * i + 32, rng.random() < 0.3)
        self.prolog = self.size
        self.body = len(self.steps)
        # The body changes every register that it saved, and the volatile ones.
        self.step(
            b"\x90",
            lambda m: m.registers.update(
                {NAMES[c[2]]: 7 for c in self.codes if c[1] in (PUSH, SAVE, 5) and c[2] != frame}
            ),
        )
        if frame:
            self.step(b"\x90", lambda m: m.registers.update(rsp=m.registers["rsp"] - 64))  # alloca
        restore = [c for c in self.codes if c[1] in (SAVE, SAVE_FAR)]
        for code in restore:
            offset = code[3] * 8 if code[1] == SAVE else code[3] | code[4] << 16
            self.step(b"\x90", lambda m, n=code[2], o=offset: m.registers.update({NAMES[n]: m.load(self.base(m) + o)}))
        self.epilog = len(self.steps)
        if frame:
            disp = size - self.frame[1] * 16
            modrm = bytes([0xA0 | frame % 8]) + struct.pack("<i", disp)
            self.step(
                bytes([0x48 | frame >> 3, 0x8D]) + modrm,
                lambda m: m.registers.update(rsp=m.registers[NAMES[frame]] + disp),
            )
        elif size:
            wide = size >= 128
            code_ = b"\x48\x81\xc4" + struct.pack("<i", size) if wide else b"\x48\x83\xc4" + bytes([size])
            self.step(code_, lambda m: m.registers.update(rsp=m.registers["rsp"] + size))
        for number in reversed(pushed):
            self.step(
                rex(number) + bytes([0x58 + number % 8]), lambda m, n=number: m.registers.update({NAMES[n]: m.pop()})
            )
        ending = rng.choice(
            [
                b"\xc3",
                b"\xf3\xc3",
                b"\xc2\x08\x00",
                b"\xe9\x00\x10\x00\x00",
                b"\x48\xff\x25\0\0\0\0",
                b"\xeb\x7f",
                b"\x48\xff\xe0",
            ]
        )
        self.step(ending, lambda m: None)

    @property
    def size(self) -> int:
        return sum(len(code) for code, _ in self.steps)

    def base(self, machine: Machine) -> int:
        if self.frame[0]:
            return machine.registers[NAMES[self.frame[0]]] - 16 * self.frame[1]
        return machine.registers["rsp"]

    def step(self, code: bytes, effect: object) -> None:
        self.steps.append((code, effect))

    def allocate(self, size: int) -> None:
        def effect(machine: Machine) -> None:
            machine.registers["rsp"] -= size

        if size <= 128:
            self.step(b"\x48\x81\xec" + struct.pack("<i", size), effect)
            self.codes.append((self.size, SMALL, size // 8 - 1))
        else:
            self.step(b"\x48\x81\xec" + struct.pack("<i", size), effect)
            if size % 16:
                self.codes.append((self.size, LARGE, 1, size & 0xFFFF, size >> 16))
            else:
                self.codes.append((self.size, LARGE, 0, size // 8))

    def lea(self, frame: int, offset: int) -> None:
        self.step(b"\x90" * 5, lambda m: m.registers.update({NAMES[frame]: m.registers["rsp"] + offset}))

    def save(self, number: int, offset: int, far: bool) -> None:
        self.step(b"\x90" * 5, lambda m: m.store(self.base(m) + offset, m.registers[NAMES[number]]))
        if far:
            self.codes.append((self.size, SAVE_FAR, number, offset & 0xFFFF, offset >> 16))
        else:
            self.codes.append((self.size, SAVE, number, offset // 8))

    def info(self) -> bytes:
        codes = list(reversed(self.codes))
        return unwind_info(codes, self.prolog, frame=self.frame)


@pytest.mark.parametrize("seed", range(150))
def test_every_step_of_a_random_function_unwinds_to_its_caller(seed: int) -> None:
    rng = random.Random(seed)
    function = Function(rng)
    code = b"".join(part for part, _ in function.steps)
    text = bytearray(b"\xcc" * 0xFF0 + b"\xe8\x0b\xf0\xff\xff" + b"\x90" * 11)
    text[: len(code)] = code
    image = open_file(Window(bytes(with_pdata(bytes(text), [(0x1000, 0x1000 + len(code), function.info())])), "t.dll"))
    caller = {name: rng.randrange(1 << 48) for name in NAMES} | {"rsp": STACK + 0x3000}
    machine = Machine(dict(caller))
    machine.store(STACK + 0x3000, 0)  # the caller's own return address: the walk ends there
    machine.push(RETURN)
    source = Source([Module(BASE, 0x10000, "t.dll", image)])
    address = BASE + 0x1000
    for i, (part, effect) in enumerate(function.steps):
        registers = {**machine.registers, "rip": address}
        found = walk(registers, AMD64, Bytes([(STACK, bytes(machine.memory))]), source)
        where = f"seed {seed}, step {i} at +{address - BASE - 0x1000:#x}"
        assert len(found.frames) == 2, (where, found)
        frame = found.frames[1]
        assert (frame.instruction, frame.sp, frame.trust) == (RETURN, caller["rsp"], "cfi"), where
        assert frame.lookup == RETURN - 1
        for number in SAVED:
            assert frame.registers[NAMES[number]] == caller[NAMES[number]], (where, NAMES[number])
        assert "rax" not in frame.registers
        effect(machine)  # type: ignore[operator]
        address += len(part)


@pytest.mark.parametrize("seed", range(40))
def test_a_function_that_called_unwinds_from_its_return_address(seed: int) -> None:
    """As above, but the context is in a leaf function that the body called."""
    rng = random.Random(seed)
    function = Function(rng)
    code = b"".join(part for part, _ in function.steps)
    body = 0x1000 + sum(len(part) for part, _ in function.steps[: function.body])
    text = bytearray(b"\xcc" * 0xFF0 + b"\xe8\x0b\xf0\xff\xff" + b"\x90" * 11)
    text[: len(code)] = code
    image = open_file(Window(bytes(with_pdata(bytes(text), [(0x1000, 0x1000 + len(code), function.info())])), "t.dll"))
    leaf = 0x1F00
    caller = {name: rng.randrange(1 << 48) for name in NAMES} | {"rsp": STACK + 0x3000}
    machine = Machine(dict(caller))
    machine.store(STACK + 0x3000, 0)
    machine.push(RETURN)
    for _, effect in function.steps[: function.body + 1]:
        effect(machine)  # type: ignore[operator]
    back = BASE + body + len(function.steps[function.body][0])
    machine.push(back)
    # The code before `back` is no call, so only an image whose bytes cannot be read lets the leaf's word pass.
    source = Source([Module(BASE, 0x10000, "t.dll", Unreadable(image, body - 8, back - BASE))])
    memory = Bytes([(STACK, bytes(machine.memory))])
    found = walk({**machine.registers, "rip": BASE + leaf}, AMD64, memory, source)
    assert [frame.instruction for frame in found.frames] == [BASE + leaf, back, RETURN], (seed, found)
    assert all(found.frames[2].registers[NAMES[n]] == caller[NAMES[n]] for n in SAVED)
    assert found.stop == "end of stack: return address 0"


def Unreadable(image, start: int, end: int):  # type: ignore[no-untyped-def]  # noqa: N802
    """The image without the bytes [start, end)."""
    from mdmp.errors import FormatError

    whole = image.data

    class Holed:
        def read(self, rva: int, size: int) -> bytes:
            if rva < end and rva + size > start:
                raise FormatError("image", "a hole", rva)
            return whole.read(rva, size)

    image.data = Holed()
    return image
