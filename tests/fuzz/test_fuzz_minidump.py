"""Damaged minidumps: whatever is cut or changed, loading and telling facts works or is one clear error, and soon."""

import random
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.dumpfile.facts import facts
from mdmp.dumpfile.load import load_minidump
from mdmp.errors import FormatError, UnusableInputError
from mdmp.formats.minidump.file import Minidump
from synth import minidump as synth

CUTS = 12
CHANGES = 12
"""Copies of each dump for each kind of damage; the same ones in every run."""
SECONDS = 10.0
BYTES = 500 << 20
LARGE = 600_000
"""Bigger dumps of the corpus are left to their smaller likes."""


def ask(raw: bytes) -> None:
    try:
        dump = Minidump(Window(raw, "damaged.dmp"))
    except UnusableInputError as error:
        assert "\n" not in str(error)
        return
    snapshot = load_minidump(dump)
    assert facts(dump, snapshot)["header"]
    assert len(list(snapshot.regions or ())) == len(snapshot.regions or ())
    for start, size in snapshot.memory.ranges[:20]:
        assert len(snapshot.memory.read(start, min(size, 64))) == min(size, 64)
    for attachment in snapshot.attachments[:50]:
        try:
            attachment.read()
        except FormatError:
            continue
    for number in {entry.StreamType for entry in dump.directory}:
        dump.stream(number)


def damaged(raw: bytes, seed: str) -> Iterator[bytes]:
    rng = random.Random(seed)
    for _ in range(CUTS):
        yield raw[: rng.randrange(len(raw))]
    for turn in range(CHANGES):
        copy = bytearray(raw)
        reach = len(raw) if turn % 2 else min(len(raw), 0x2000)
        for _ in range((5, 100, 2000)[turn % 3]):
            copy[rng.randrange(reach)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        yield bytes(copy)


def check(raw: bytes, seed: str) -> None:
    for copy in damaged(raw, seed):
        began = time.process_time()
        ask(copy)
        assert time.process_time() - began < SECONDS


def test_own_dumps(data: Path) -> None:
    for path in sorted(data.glob("windows/*_x64.dmp"))[:8]:
        check(path.read_bytes(), path.name)


@pytest.mark.slow
def test_corpus(corpus: Path) -> None:
    for path in sorted(corpus.glob("dumps/*/*")):
        if path.stat().st_size < LARGE:
            check(path.read_bytes(), path.name)


def test_memory_is_bounded_by_the_file() -> None:
    """Four thousand directory entries that all claim the whole file, and lists that claim billions of entries."""
    dump = synth.DumpFile(capacity=4096)
    dump.place(b"\xff" * 1_000_000)
    size = 32 + 12 * 4096 + 1_000_000
    kinds = (3, 4, 5, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19, 24, 0x43500001, 0x47670009, 0x9999)
    dump.streams = [(kinds[i % len(kinds)], size, 0) for i in range(4096)]
    raw = dump.build()
    tracemalloc.start()
    began = time.process_time()
    ask(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BYTES
    assert time.process_time() - began < SECONDS * 3  # tracemalloc slows it down
