"""Damaged PE images: every reader gives an answer or one of its own errors, soon, whatever the bytes are."""

import random
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mdmp.arch import CPUS
from mdmp.binary.window import Window
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import pdata
from mdmp.formats.pe.debug import read_codeview, read_debug_directory
from mdmp.formats.pe.exports import read_exports
from mdmp.formats.pe.headers import PeImage, open_file, open_memory
from mdmp.formats.pe.version import read_version
from mdmp.unwind import walk
from synth.dumpreader import Bytes, Module, Source

BASE = 0x7FF600000000


def exercise(image: PeImage, rng: random.Random) -> None:
    for read in (read_exports, read_debug_directory, read_codeview, read_version):
        with suppress(FormatError, MemoryUnavailable):
            read(image)
    for _ in range(20):
        with suppress(FormatError, MemoryUnavailable):
            function = pdata.find_function(image, rng.randrange(0x1000, 0x8000))
            if function:
                pdata.unwind_chain(image, function)
    memory = Bytes([(0x10000, struct.pack("<64Q", *(BASE + rng.randrange(0x1000, 0x8000) for _ in range(64))))])
    cpu = CPUS["x86" if image.machine == 0x14C else "amd64"]
    registers = {name: 0x10000 + rng.randrange(0x100) for name in cpu.registers}
    registers[cpu.pc] = BASE + rng.randrange(0x1000, 0x8000)
    walk(registers, cpu, memory, Source([Module(BASE, 0x100000, "t", image)]))


@pytest.mark.parametrize("name", ["shop.exe", "shop32.exe", "filters.dll", "faults.exe"])
def test_damaged_images(name: str, data: Path) -> None:
    raw = (data / "windows" / name).read_bytes()
    rng = random.Random(name)
    for i in range(250):
        damaged = bytearray(raw)
        # Headers and tables get more than their share of the damage.
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            area = rng.choice((0x400, len(damaged), len(damaged)))
            at = rng.randrange(area)
            damaged[at] = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))
        if i % 5 == 0:
            del damaged[rng.randrange(len(damaged)) :]
        begin = time.process_time()
        for opened in ("file", "memory"):
            try:
                if opened == "file":
                    image = open_file(Window(bytes(damaged), name))
                else:
                    image = open_memory(Bytes([(BASE, bytes(damaged))]), BASE, 0x100000)
            except (FormatError, MemoryUnavailable):
                continue
            exercise(image, rng)
        assert time.process_time() - begin < 3
