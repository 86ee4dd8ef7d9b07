"""Steps by compact unwind information from every instruction of functions, against what running them showed."""

import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from mdmp.arch import AMD64, ARM64, Cpu
from mdmp.binary.window import map_file
from mdmp.formats.macho import MachO, UnwindEntry, open_file
from mdmp.unwind import Walker
from mdmp.unwind.compact_unwind import rule_at
from synth.dumpreader import Bytes, Source

BASE, STACK = 0x100000000, 0x7FF000200000
CPUS = {"amd64": AMD64, "arm64": ARM64}


class Module:
    """A Mach-O image at `BASE`, as the unwinder sees it."""

    def __init__(self, macho: MachO) -> None:
        self.macho = macho
        self.base, self.end = BASE, BASE + 0x20000

    def read(self, rva: int, size: int) -> bytes:
        return self.macho.read(rva + self.macho.load_address, size)

    def executable(self, rva: int) -> bool | None:
        return self.macho.executable(rva + self.macho.load_address)

    def pe_image(self) -> None:
        return None

    def frame_data(self, rva: int) -> None:
        return None

    def compact_unwind(self, rva: int) -> UnwindEntry | None:
        return self.macho.unwind_entry(rva)

    def call_frame(self, rva: int) -> Any:
        return self.macho.row(rva + self.macho.load_address)

    def stack_cfi(self, rva: int) -> None:
        return None


@pytest.fixture(scope="module")
def expected(data: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(lzma.decompress((data / "macos" / "frames.json.xz").read_bytes()))
    return table


@pytest.fixture(params=("amd64", "arm64"))
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return CPUS[request.param]


@pytest.fixture
def macho(data: Path, cpu: Cpu) -> MachO:
    return open_file(map_file(data / "macos" / "libframes.dylib"), cpu.name)


def step(macho: MachO, cpu: Cpu, row: list[Any]) -> str:
    """One step from a state made after `row`; how it differs from what it should be."""
    rva, size, fp, places = row
    kept = sorted(cpu.saved_sysv)
    target = BASE + macho.symbol(macho.load_address + rva).address if macho.symbol(rva) else BASE
    owned = {name: 0xC0FFEE0000 + 64 * i for i, name in enumerate(kept)}
    holds: dict[int, str] = {}
    for name in kept:  # what shares a slot had the same value
        first = next((holds[place] for place in places.get(name, ()) if place in holds), name)
        owned[name] = owned[first]
        holds |= {place: first for place in places.get(name, ()) if place != "register"}
    registers = dict.fromkeys(kept, 2989) | {cpu.sp: STACK, cpu.pc: BASE + rva}
    cfa = STACK + size
    stack = dict.fromkeys(range(STACK, cfa + 256, 8), 57005)
    link = cpu.lr or "return"
    for name, value in {**owned, link: target}.items():
        for place in places.get(name, ["register"]):
            if place == "register":
                registers[name] = value
            else:
                stack[cfa + place] = value
    if fp is not None:
        registers[cpu.fp] = cfa + fp
    memory = Bytes([(STACK, b"".join(stack[at].to_bytes(8, "little") for at in sorted(stack)))])
    walk = Walker(cpu, memory, Source([Module(macho)]), "macos").walk(registers, limit=2)
    if len(walk.frames) < 2:
        return walk.stop
    caller = walk.frames[1]
    if caller.trust != "cfi":
        return f"trust {caller.trust}"
    if (caller.instruction, caller.sp) != (target, cfa):
        return f"pc {caller.instruction:#x} not {target:#x}, sp {caller.sp - cfa:+#x}"
    wrong = [name for name in kept if caller.registers.get(name) != owned[name]]
    return f"wrong: {wrong}" if wrong else ""


LATE = {"amd64": {0x5F6, 0x9FB}, "arm64": set()}
"""Paths without a frame that stand behind the body: nothing but running amd64 code backwards could tell."""


def test_every_instruction(macho: MachO, cpu: Cpu, expected: dict[str, Any]) -> None:
    wrong = set()
    seen = 0
    for addresses, *row in expected[cpu.name]["rows"]:
        for rva in addresses:
            seen += 1
            if step(macho, cpu, [rva, *row]):
                wrong.add(rva)
    assert seen > 500
    assert wrong == LATE[cpu.name]


def test_whole_stacks(macho: MachO, cpu: Cpu, expected: dict[str, Any]) -> None:
    """From a leaf through every kind of frame to the function that was called from outside."""
    deepest = 0
    for walk in expected[cpu.name]["walks"]:
        words = dict(walk["words"])
        low, high = min(words), max(words) + 8
        memory = bytearray(high - low)
        for at, value in words.items():
            memory[at - low : at - low + 8] = value.to_bytes(8, "little")
        source = Source([Module(macho)])
        found = Walker(cpu, Bytes([(low, bytes(memory))]), source, "macos").walk(walk["registers"])
        frames = [(f.instruction, f.sp, {n: f.registers.get(n) for n in cpu.saved_sysv}) for f in found.frames]
        assert frames == [(pc, sp, kept) for pc, sp, kept in walk["frames"]][: len(frames)]
        assert len(frames) >= len(walk["frames"]) - 1, found.stop  # the outermost return address is in no image
        assert {f.trust for f in found.frames[1:]} == {"cfi"}
        deepest = max(deepest, len(frames))
    assert deepest > 10


def test_without_code(macho: MachO, cpu: Cpu, expected: dict[str, Any]) -> None:
    """Where the image's code is not at hand, encodings still tell about callers."""
    entry = macho.unwind_entry(0x900)
    assert entry is not None
    known = rule_at(entry, cpu.name, 0x900, False, lambda rva, size: b"")
    assert known is not None
    assert rule_at(entry, cpu.name, 0x900, True, lambda rva, size: b"") == known
    assert rule_at(entry, "x86", 0x900, True, lambda rva, size: b"") is None


def test_frame_pointers_of_asynchronous_functions(macho: MachO, cpu: Cpu) -> None:
    """Swift marks those that it saves by bit 60."""
    rva = next(s for s in macho.function_starts if macho.symbol(s).name == "_both") + 20  # type: ignore[union-attr]
    target = BASE + macho.function_starts[0]
    words = {STACK: STACK + 64 | 1 << 60, STACK + 8: target}
    memory = Bytes([(STACK, b"".join(value.to_bytes(8, "little") for value in words.values()))])
    registers = {cpu.pc: BASE + rva, cpu.sp: STACK - 16, cpu.fp: STACK}
    walk = Walker(cpu, memory, Source([Module(macho)]), "macos").walk(registers, limit=2)
    assert walk.frames[1].registers[cpu.fp] == STACK + 64
    assert walk.frames[1].instruction == target


def entry_of(encoding: int) -> UnwindEntry:
    return UnwindEntry(0, 64, encoding, (0, 64))


@pytest.mark.parametrize(
    ("encoding", "order"),
    [  # the number of an order of registers, worked out by hand from the header's description
        (0x02040400, ["rbx"]),
        (0x02040405, ["rbp"]),
        (0x02040800, ["rbx", "r12"]),
        (0x0204080E, ["r13", "rbp"]),
        (0x02081800, ["rbx", "r12", "r13", "r14", "r15", "rbp"]),
        (0x02081ACF, ["rbp", "r15", "r14", "r13", "r12", "rbx"]),
    ],
)
def test_order_of_registers(encoding: int, order: list[str]) -> None:
    rule = rule_at(entry_of(encoding), "amd64", 8, False, lambda rva, size: b"")
    assert rule is not None
    assert [name for name, _ in rule.saves] == order
    assert [at for _, at in rule.saves] == [-8 - 8 * (len(order) - i) for i in range(len(order))]


@pytest.mark.parametrize(
    "encoding",
    [
        0x00000000,  # none
        0x020003FF,  # a size of 0
        0x02FF1FFF,  # seven registers
        0x02FF0BFF,  # no such order
        0x03FF0000,  # the size stands where no code is
        0x04000018,  # in DWARF
        0x07000000,  # no such mode
    ],
)
def test_nothing_told(encoding: int) -> None:
    for exact in (False, True):
        assert rule_at(entry_of(encoding), "amd64", 8, exact, lambda rva, size: b"") is None


def test_noise() -> None:
    rng = random.Random(7)
    for _ in range(4000):
        code = rng.randbytes(64)
        if rng.random() < 0.7:  # likely instructions
            code = b"".join(rng.choice(LIKELY) for _ in range(24))
        modes = (0x01000000, 0x02000000, 0x03000000, 0x04000000)
        entry = entry_of(rng.choice(modes) | rng.getrandbits(24))
        for name in CPUS:
            rule = rule_at(entry, name, rng.randrange(0, 64, 4), True, lambda rva, size, c=code: c[rva : rva + size])
            assert rule is None or abs(rule.offset) < 1 << 40


LIKELY = (
    *(
        b"\x55",
        b"\x48\x89\xe5",
        b"AWAV",
        b"S",
        b"\x48\x83\xec\x10",
        b"\x48\x81\xec\xff\xff\xff\xff",
        b"[",
        b"A^",
        b"\xc3",
    ),
    *(b"\xe9\xff\xff\xff\x7f", b"\xeb\x80", b"\xfd\x7b\xbf\xa9", b"\xf4\x4f\xbe\xa9", b"\xff\x43\x00\xd1"),
    *(b"\xff\xc3\x40\x91", b"\xfd\x7b\xc1\xa8", b"\xc0\x03\x5f\xd6", b"\xfd\x03\x00\x91", b"\x00\x00\x00\x14"),
)
