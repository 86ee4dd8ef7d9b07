"""Damaged core files: cut or changed anywhere, they open and are analyzed, or are refused in one line, and soon."""

import lzma
import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

import mdmp
from mdmp.binary.window import Window
from mdmp.dumpfile.load import load
from mdmp.errors import UnusableInputError
from synth import core

HERE = Path(__file__).resolve().parent.parent / "data" / "linux" / "cores"
NAMES = ("abort-threads", "pie-segv-threads", "handler", "arm64-abort-threads")
TRIES = 60
SECONDS = 10.0
BYTES = 300 << 20
EDGES = (0, 1, 7, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 32, 1 << 47, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def ask(raw: bytes) -> None:
    """Everything that a snapshot and a report can be asked for."""
    start = time.process_time()
    try:
        snapshot = load(Window(raw, "damaged.core"))
    except UnusableInputError as error:
        assert "\n" not in str(error)
        return
    for base, size in snapshot.memory.ranges[:20]:
        assert len(snapshot.memory.read(base, min(size, 64))) == min(size, 64)
    report = mdmp.analyze(snapshot, images=[HERE], max_frames=200)
    assert len(report.threads) == len(snapshot.threads or ())
    assert time.process_time() - start < SECONDS


def hot(raw: bytes) -> list[tuple[int, int]]:
    """File ranges of what everything hangs on: headers, notes, the image's first page, the top of the stack."""
    at, size = struct.unpack_from("<Q", raw, 64 + 8)[0], struct.unpack_from("<Q", raw, 64 + 32)[0]
    return [(0, 64), (64, 56 * 12), (at, size), (at, size), (at + size, 4096), (len(raw) - 8192, 8190)]


@pytest.mark.parametrize("name", NAMES)
def test_changes(name: str) -> None:
    whole, rng = lzma.decompress((HERE / f"{name}.core.xz").read_bytes()), random.Random(name)
    spans = hot(whole)
    for _ in range(TRIES):
        raw = bytearray(whole)
        for _ in range(rng.choice((1, 2, 4, 16, 64))):
            start, size = rng.choice(spans)
            at = min(start + rng.randrange(max(size, 1)), len(raw) - 8)
            if rng.random() < 0.5:
                raw[at : at + 8] = struct.pack("<Q", rng.choice(EDGES))
            else:
                raw[at] ^= 1 << rng.randrange(8)
        ask(bytes(raw))


@pytest.mark.parametrize("name", NAMES)
def test_cuts(name: str) -> None:
    whole, rng = lzma.decompress((HERE / f"{name}.core.xz").read_bytes()), random.Random(name)
    for size in (0, 1, 4, 16, 63, 64, 119, 120, 1000, *(rng.randrange(len(whole)) for _ in range(20))):
        ask(whole[:size])


def bounded(raw: bytes) -> None:
    ask(raw)
    tracemalloc.start()
    try:
        load(Window(raw, "damaged.core"))
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()


def test_many_files_that_are_all_the_same_image() -> None:
    """Segments may share their bytes: a small file can describe any number of images."""
    file = core.CoreFile()
    count, page = 3000, core.image(bytes(20), 0x1000)
    rows = [(0x10000 + 0x1000 * i, 0x11000 + 0x1000 * i, 0, b"/a%d" % i) for i in range(count)]
    file.note(core.NT_FILE, core.files(rows))
    file.load(0x10000, page, 5)
    raw = bytearray(file.build())
    table = struct.unpack_from("<IIQQQQQQ", raw, 120)
    more = b"".join(struct.pack("<IIQQQQQQ", 1, 5, table[2], row[0], 0, 0x1000, 0x1000, 4096) for row in rows)
    at = len(raw)
    raw[32:40], raw[56:58] = struct.pack("<Q", at), struct.pack("<H", count + 1)
    bounded(bytes(raw[: len(raw)] + raw[64:120] + more))


def test_notes_without_end_and_counts_without_measure() -> None:
    file = core.CoreFile()
    file.note(core.NT_FILE, struct.pack("<QQ", (1 << 64) - 1, 1 << 63))
    file.note(core.NT_AUXV, core.auxv({i: i for i in range(1, 5000)}))
    file.notes.append(bytes(2 << 20))
    bounded(file.build())


def test_a_list_of_the_linker_that_never_ends() -> None:
    file = core.CoreFile()
    file.note(core.NT_AUXV, core.auxv({3: 0x10040, 7: 0x50000}))
    raw = bytearray(8 << 16)
    raw[:40] = struct.pack("<IIQQIIQ", 1, 0, 0x51100, 0x50500, 0, 0, 0x50000)
    for i in range(0x100, len(raw) - 96, 48):
        raw[i : i + 48] = struct.pack("<6Q", 0x100000 + i * 4096, 0x51000, 0, 0x51000 + i + 48, 0, 0)
    file.load(0x51000, bytes(raw))
    bounded(file.build())


def test_threads_without_number() -> None:
    file = core.CoreFile()
    for tid in range(20000):
        file.note(core.NT_PRSTATUS, core.prstatus(tid, list(range(27))))
    bounded(file.build())
