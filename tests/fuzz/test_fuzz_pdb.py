"""Damaged PDBs: whatever is cut or changed, a look-up answers, answers in part, or is one clear error; and soon."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.errors import MdmpError, UnusableInputError
from mdmp.formats.pdb import Pdb

ROUNDS = 12
"""Changed copies of each PDB for each kind of change; the same ones in every run."""


def ask(data: bytes, addresses: list[int]) -> None:
    try:
        pdb = Pdb(Window(data, "damaged.pdb"))
    except UnusableInputError:
        return
    for rva in addresses:
        pdb.lookup(rva)
    for rva in addresses[:3]:
        pdb.frame_data(rva)
        pdb.fpo(rva)
        pdb.public_names(rva)
    pdb.find("main")
    for listed, _ in zip(pdb.functions(), range(50), strict=False):
        assert listed.name


def important_pages(pdb: Pdb) -> list[int]:
    """Where the directory, the first pages of the fixed streams and the modules lie: damage there is read for sure."""
    msf = pdb._parts.msf
    pages = [0, *msf._directory._pages]
    for number in (1, 2, 3, 4):
        pages += msf.stream(number)._pages[:3] if msf.exists(number) else []
    for compiland in pdb._parts.compilands():
        pages += compiland._stream._pages
    return [page * msf.page_size for page in pages]


def damaged(whole: bytes, pages: list[int], page_size: int, source: random.Random) -> Iterator[bytes]:
    for _ in range(ROUNDS):
        yield whole[: source.randrange(len(whole))]
        changed = bytearray(whole)
        for _ in range(500):
            changed[source.randrange(len(whole))] = source.randrange(256)
        yield bytes(changed)
        for count in (1, 1, 3, 20):
            changed = bytearray(whole)
            for _ in range(count):
                place = source.choice(pages) + source.randrange(page_size)
                if place < len(changed):
                    changed[place] = source.choice((0, 0x80, 0xFF, source.randrange(256)))
            yield bytes(changed)


def check(path: Path) -> None:
    whole = path.read_bytes()
    source = random.Random(path.name)
    try:
        pdb = Pdb(Window(whole, path.name))
    except UnusableInputError:  # an older format: no damage makes a PDB 7.0 of it
        for data in (whole, whole[: len(whole) // 2], whole[:100]):
            with pytest.raises(UnusableInputError):
                Pdb(Window(data, path.name))
        return
    functions = list(pdb.functions())
    addresses = [source.choice(functions).rva + source.randrange(40) for _ in range(17)]
    addresses += [source.randrange(1 << 17) for _ in range(3)]
    slowest = 0.0
    for data in damaged(whole, important_pages(pdb), pdb._parts.msf.page_size, source):
        start = time.process_time()
        try:
            ask(data, addresses)
        except MdmpError as problem:
            raise AssertionError("only opening may fail") from problem
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 2


OURS = sorted((Path(__file__).parent.parent / "data" / "windows").glob("*.pdb"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_pdbs(path: Path) -> None:
    check(path)


SHARES = 19
"""Parts of the corpus, so that a failure names few files."""


@pytest.mark.parametrize("number", range(SHARES))
def test_pdbs_of_the_corpus(corpus: Path, number: int) -> None:
    for path in sorted(corpus.glob("pdb/*/*.pdb"))[number::SHARES]:
        check(path)
