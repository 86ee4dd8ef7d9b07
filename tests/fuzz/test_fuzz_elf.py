"""Damaged ELF and DWARF: every answer is frames, None or a `FormatError`, in bounded time. Seeds are fixed."""

import contextlib
import random
import struct
import time
from pathlib import Path

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.dwarf import CallFrames, Dwarf, FrameSection, Sections
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.loaded import LoadedElf

PROGRAMS = ("clang4_amd64", "gcc4_amd64", "gcc2_amd64", "gcc64bit_amd64", "types_amd64", "clang5_arm64", "clang4_arm")
TRIES = 60
SECONDS = 5.0
"""For one damaged file; what takes longer is not bounded by the file's size."""


class Flat:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, rva: int, size: int) -> bytes:
        if rva < 0 or size < 0 or rva + size > len(self.data):
            raise FormatError("memory", "out of bounds", rva)
        return self.data[rva : rva + size]


def ask(data: bytes, addresses: list[int]) -> None:
    try:
        elf = Elf(Window(data, "damaged"))
    except FormatError:
        return
    assert elf.build_id is None or isinstance(elf.build_id, bytes)
    for question in (lambda: elf.debug_link, lambda: elf.section(".gnu_debugdata")):
        with contextlib.suppress(FormatError):
            question()
    for address in addresses:
        for frame in elf.lookup(address):
            assert frame.line is None or frame.line >= 0
        elf.row(address)
        elf.symbol(address)
    try:
        loaded = LoadedElf(Flat(data), 0x10000)
    except FormatError:
        return
    assert loaded.soname is None or isinstance(loaded.soname, str)
    for address in addresses:
        loaded.lookup(address)
        loaded.row(address)


def interesting(elf: Elf) -> list[tuple[int, int]]:
    """File ranges where damage hurts most."""
    names = (".debug_", ".eh_frame", ".symtab", ".dynsym", ".note")
    spans = [(s.offset, s.size) for s in elf.sections if s.name.startswith(names) and s.size and s.type != 8]
    return [*spans, (0, 64), (elf.header.raw.e_shoff, 64 * len(elf.sections)), (64, 56 * len(elf.segments))]


def damaged(data: bytes, spans: list[tuple[int, int]], rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        start, size = rng.choice(spans)
        at = min(start + rng.randrange(max(size, 1)), len(out) - 9)
        kind = rng.randrange(5)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            out[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0, 0x10000)))
        elif kind == 3:
            out[at : at + 8] = struct.pack("<Q", rng.choice((0, (1 << 64) - 1, 1 << 63, 1 << 32, at)))
        else:
            run = rng.randrange(1, 64)
            out[at : at + run] = bytes([rng.choice((0xFF, 0x80, 0x00, 0x01))]) * min(run, len(out) - at)
    return bytes(out[: rng.randrange(len(out))] if rng.random() < 0.05 else out)


@pytest.mark.parametrize("program", PROGRAMS)
def test_damage(data: Path, program: str) -> None:
    window = map_file(data / "linux" / program)
    raw = window.tobytes()
    elf = Elf(window)
    spans = interesting(elf)
    start, end = elf.code[-1]
    rng = random.Random(program)
    for number in range(TRIES):
        addresses = [rng.randrange(start, end) for _ in range(12)] + [0, (1 << 64) - 1]
        before = time.process_time()
        ask(damaged(raw, spans, rng), addresses)
        assert time.process_time() - before < SECONDS, number


def test_truncated(data: Path) -> None:
    raw = (data / "linux" / "clang4_arm").read_bytes()
    elf = Elf(Window(raw, "whole"))
    for size in range(0, len(raw), 97):
        ask(raw[:size], [elf.code[0][0] + 5])


def unit(entries: bytes, version: int = 4) -> bytes:
    body = struct.pack("<HIB", version, 0, 8) + entries
    return struct.pack("<I", len(body)) + body


def abbrev(*declarations: tuple[int, int, int, list[tuple[int, int]]]) -> bytes:
    out = b""
    for code, tag, children, specs in declarations:
        out += bytes((code, tag, children)) + b"".join(bytes(spec) for spec in specs) + b"\0\0"
    return out + b"\0"


def lookup(sections: dict[str, bytes], address: int = 0x1000) -> Dwarf:
    dwarf = Dwarf(Sections.of({name: Window(raw, name) for name, raw in sections.items()}))
    before = time.process_time()
    dwarf.lookup(address)
    assert time.process_time() - before < SECONDS
    return dwarf


LOW_HIGH = [(0x11, 1), (0x12, 6)]
CODE = struct.pack("<QI", 0x1000, 0x100)


def test_names_in_a_circle() -> None:
    table = abbrev((1, 0x11, 1, LOW_HIGH), (2, 0x2E, 0, [*LOW_HIGH, (0x31, 0x13)]))
    entry = unit(b"\x01" + CODE + b"\x02" + CODE + struct.pack("<I", 24) + b"\0")
    dwarf = lookup({"debug_info": entry, "debug_abbrev": table})
    assert dwarf.lookup(0x1000)[0].function is None


def test_deep_nesting() -> None:
    table = abbrev((1, 0x11, 1, LOW_HIGH), (2, 0x2E, 1, LOW_HIGH), (3, 0x0B, 1, []), (4, 0x1D, 1, []))
    for inner in (b"\x03", b"\x04"):
        entry = unit(b"\x01" + CODE + b"\x02" + CODE + inner * 200_000)
        dwarf = lookup({"debug_info": entry, "debug_abbrev": table})
        assert "nested" in str(dwarf.issues.freeze()[0])


def test_shared_range_list() -> None:
    """Ten thousand functions that point at one list of sixty thousand ranges."""
    table = abbrev((1, 0x11, 1, LOW_HIGH), (2, 0x2E, 0, [(0x55, 0x17)]))
    ranges = b"".join(struct.pack("<QQ", 0x1000 + 16 * i, 0x1008 + 16 * i) for i in range(60_000)) + bytes(16)
    entry = unit(b"\x01" + CODE + (b"\x02" + bytes(4)) * 10_000 + b"\0")
    dwarf = lookup({"debug_info": entry, "debug_abbrev": table, "debug_ranges": ranges})
    assert "too many" in dwarf.issues.freeze()[0].problem


def test_endless_numbers() -> None:
    table = abbrev((1, 0x11, 1, [*LOW_HIGH, (0x03, 0x0F)]))
    dwarf = lookup({"debug_info": unit(b"\x01" + CODE + b"\xff" * 1_000_000), "debug_abbrev": table})
    assert dwarf.issues.freeze()
    line = struct.pack("<HIBBBbBB", 4, 8, 1, 1, 1, -5, 14, 1) + b"\0\0\0\xff" + b"\xff" * 100_000
    table = abbrev((1, 0x11, 0, [*LOW_HIGH, (0x10, 0x17)]))
    sections = {"debug_info": unit(b"\x01" + CODE + bytes(4)), "debug_abbrev": table}
    assert lookup({**sections, "debug_line": struct.pack("<I", len(line)) + line}).issues.freeze()


def test_line_table_that_claims_many_files() -> None:
    head = bytes((1, 1, 0, 0, 14)) + bytes(13)
    for table in (b"\x00\xff\xff\xff\x7f", b"\x01\x01\x21\xff\xff\xff\x7f", b"\x01\x01\x08\xff\xff\x03" + b"a\0" * 9):
        body = struct.pack("<HBBI", 5, 8, 0, len(head) + len(table)) + bytes((1,)) + head + table
        line = struct.pack("<I", len(body)) + body
        program = abbrev((1, 0x11, 0, [*LOW_HIGH, (0x10, 0x17)]))
        lookup({"debug_info": unit(b"\x01" + CODE + bytes(4)), "debug_abbrev": program, "debug_line": line})


def test_call_frames_of_noise() -> None:
    rng = random.Random(5)
    for _ in range(300):
        raw = rng.randbytes(400)
        if rng.random() < 0.7:  # a plausible CIE and FDE head with noise behind
            cie = struct.pack("<I", 0) + b"\x01zR\0\x01\x78\x10\x01\x00" + rng.randbytes(14)
            fde = struct.pack("<IQQ", 4 + len(cie) + 4, 0x1000, 0x100) + b"\0" + rng.randbytes(60)
            raw = struct.pack("<I", len(cie)) + cie + struct.pack("<I", len(fde)) + fde
        frames = CallFrames(FrameSection(Window(raw, "noise"), 0x5000, rng.random() < 0.8), 8)
        with contextlib.suppress(FormatError):
            frames.row(rng.choice((0x1000, 0x1010, 0x5000)))
