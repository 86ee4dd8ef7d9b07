"""Damaged Mach-O: every answer is frames, None or a `FormatError`, in bounded time. Seeds are fixed."""

import random
import struct
import time
from pathlib import Path

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.macho import MachO, is_macho, open_file, slices
from mdmp.unwind.compact_unwind import rule_at

FILES = (
    "frames",
    "libframes.dylib",
    "frames.dSYM/Contents/Resources/DWARF/frames",
    "libframes.dylib.dSYM/Contents/Resources/DWARF/libframes.dylib",
)
TRIES = 80
SECONDS = 5.0
"""For one damaged file; what takes longer is not bounded by the file's size."""


class Flat:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, rva: int, size: int) -> bytes:
        if rva < 0 or size < 0 or rva + size > len(self.data):
            raise FormatError("memory", "out of bounds", rva)
        return self.data[rva : rva + size]


def ask(macho: MachO, addresses: list[int]) -> None:
    for address in addresses:
        for frame in macho.lookup(address):
            assert frame.line is None or frame.line >= 0
        macho.symbol(address)
        macho.row(address)
        macho.executable(address)
        rva = address - macho.load_address
        entry = macho.unwind_entry(rva)

        def read(rva: int, size: int) -> bytes:
            try:
                return macho.read(rva + macho.load_address, size)
            except FormatError:
                return b""

        for exact in (False, True):
            if entry:
                rule_at(entry, macho.machine, rva, exact, read)
    macho.issues.freeze()


def ask_bytes(data: bytes, addresses: list[int]) -> None:
    window = Window(data, "damaged")
    is_macho(window)
    for cpu in ("amd64", "arm64"):
        try:
            macho = open_file(window, cpu)
        except FormatError:
            continue
        ask(macho, addresses)
        macho.debug = open_file(window, cpu)
        ask(macho, addresses[:2])
    try:
        loaded = MachO.in_memory(Flat(data))
    except FormatError:
        return
    ask(loaded, addresses[:4])


def interesting(window: Window) -> list[tuple[int, int]]:
    """File ranges where damage hurts most."""
    spans = [(0, 64)]
    for part in slices(window):
        macho = MachO.in_file(part.window)
        start = part.window.start
        spans.append((start, 32 + macho.header.raw.sizeofcmds))
        wanted = ("__debug_", "__unwind_info", "__eh_frame")
        spans += [(start + s.offset, s.size) for s in macho.sections if s.name.startswith(wanted) and s.offset]
        symtab = macho.commands.symtab
        assert symtab is not None
        spans += [(start + symtab.symoff, 16 * symtab.nsyms), (start + symtab.stroff, symtab.strsize)]
        if macho.commands.function_starts:
            spans.append((start + macho.commands.function_starts[0], macho.commands.function_starts[1]))
    return spans


def damaged(data: bytes, spans: list[tuple[int, int]], rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        start, size = rng.choice(spans)
        at = min(start + rng.randrange(max(size, 1)), len(out) - 9)
        kind = rng.randrange(4)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            out[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0, 0x10000)))
        else:
            out[at : at + 8] = struct.pack("<Q", rng.choice((0, (1 << 64) - 1, 1 << 63, 1 << 32, at)))
    return bytes(out[: rng.randrange(len(out))] if rng.random() < 0.05 else out)


@pytest.mark.parametrize("name", FILES)
def test_damage(data: Path, name: str) -> None:
    window = map_file(data / "macos" / name)
    raw = window.tobytes()
    spans = interesting(window)
    macho = open_file(window)
    text = next(s for s in macho.sections if s.name == "__text")
    rng = random.Random(name)
    for number in range(TRIES):
        addresses = [rng.randrange(text.address, text.address + text.size) for _ in range(8)] + [0, (1 << 64) - 1]
        before = time.process_time()
        ask_bytes(damaged(raw, spans, rng), addresses)
        assert time.process_time() - before < SECONDS, number


def test_truncated(data: Path) -> None:
    raw = (data / "macos" / "frames").read_bytes()
    for size in range(0, len(raw), 97):
        ask_bytes(raw[:size], [0x100000500])


def header(*commands: bytes, count: int | None = None) -> bytes:
    body = b"".join(commands)
    return (
        struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 6, len(commands) if count is None else count, len(body), 0, 0)
        + body
    )


def test_claims() -> None:
    """Counts and sizes that nothing stands for."""
    segment = struct.pack("<II16sQQQQIIII", 0x19, 72, b"__TEXT", 0, 1 << 60, 0, 1 << 60, 5, 5, 0xFFFFFFFF, 0)
    symtab = struct.pack("<6I", 2, 24, 0, 0xFFFFFFFF, 0, 0xFFFFFFFF)
    starts = struct.pack("<4I", 0x26, 16, 0, 0xFFFFFFFF)
    install = struct.pack("<6I", 0xD, 24, 0xFFFFFFF0, 0, 0, 0)
    short = struct.pack("<II", 0x1B, 8)
    macho = MachO.in_file(Window(header(segment, symtab, starts, install, short, count=0xFFFFFFFF), "claims"))
    assert macho.uuid is None
    assert macho.sections == ()
    ask(macho, [0, 0x1000, (1 << 64) - 1])
    assert len(macho.issues.freeze()) >= 5
    for size in (0, 4, 7, 0xFFFFFFFF):
        macho = MachO.in_file(Window(header(struct.pack("<II", 0x19, size), count=50), "size"))
        assert len(macho.issues.freeze()) == 1
    with pytest.raises(FormatError, match="sizeofcmds"):
        MachO.in_file(Window(struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 6, 1, 0xFFFFFFFF, 0, 0), "large"))


def test_many_commands() -> None:
    """Commands of 8 bytes, as many as may be."""
    before = time.process_time()
    macho = MachO.in_file(Window(header(struct.pack("<II", 0x19, 8) * (1 << 17), count=1 << 17), "many"))
    assert time.process_time() - before < SECONDS
    assert macho.segments == ()
    segment = struct.pack("<II16sQQQQIIII", 0x19, 72, b"__DATA", 0, 1, 0, 1, 5, 5, 0, 0)
    before = time.process_time()
    macho = MachO.in_file(Window(header(segment * 14000, count=14000), "segments"))
    ask(macho, [0, 1, 2])
    assert time.process_time() - before < SECONDS
    assert len(macho.segments) == 14000


def test_function_starts_that_do_not_end() -> None:
    for data in (b"\xff" * 100, b"\x7f" * 100_000, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f" * 9):
        starts = struct.pack("<4I", 0x26, 16, 48, len(data))
        macho = MachO.in_file(Window(header(starts) + data, "starts"))
        assert len(macho.function_starts) <= len(data)


def test_universal_file_with_parts_outside() -> None:
    rows = struct.pack(">5I", 0x01000007, 3, 0xFFFFFFF0, 64, 0)
    with pytest.raises(FormatError):
        open_file(Window(struct.pack(">II", 0xCAFEBABE, 1) + rows, "outside"))
    itself = struct.pack(">5I", 0x01000007, 3, 0, 28, 0)
    with pytest.raises(FormatError):
        open_file(Window(struct.pack(">II", 0xCAFEBABE, 1) + itself, "itself"))
    with pytest.raises(FormatError, match="no parts"):
        open_file(Window(struct.pack(">II", 0xCAFEBABE, 0), "empty"))
