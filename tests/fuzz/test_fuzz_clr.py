"""Damaged assemblies and portable PDBs: a look-up answers, answers in part, or is one clear error; and soon."""

import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.errors import FormatError, MdmpError
from mdmp.formats.clr import Metadata, PortablePdb, is_portable_pdb, unpack_embedded
from mdmp.formats.pe.headers import open_file
from mdmp.formats.pe.managed import managed_kind, read_embedded_pdb, read_metadata

ROUNDS = 300
TOKENS = [0, 0x6000001, 0x6000005, 0x6000010, 0x6000019, 0x60000FF, 0x6FFFFFF]


def ask_pdb(window: Window) -> None:
    pdb = PortablePdb(window)
    for token in TOKENS:
        try:
            pdb.lookup(token, 20)
            pdb.written_as(token)
        except FormatError:
            continue
    for document, _ in zip(pdb.documents, range(100), strict=False):
        pdb.url(document)
        try:
            pdb.embedded_source(document)
        except FormatError:
            continue


def ask_assembly(window: Window) -> None:
    image = open_file(window)
    managed_kind(image)
    metadata_window = read_metadata(image)
    if metadata_window:
        metadata = Metadata(metadata_window)
        for token in TOKENS:
            try:
                metadata.method_name(token)
                assert metadata.assembly is None or len(metadata.assembly) == 2
            except FormatError:
                continue
    packed = read_embedded_pdb(image)
    if packed:
        ask_pdb(unpack_embedded(packed))


def ask(data: bytes) -> None:
    window = Window(data, "damaged")
    try:
        if window.size >= 4 and is_portable_pdb(window):
            ask_pdb(window)
        else:
            ask_assembly(window)
    except MdmpError:
        pass


def damaged(whole: bytes, source: random.Random) -> Iterator[bytes]:
    """Cuts; then single bytes and whole numbers, half of them where headers and tables are."""
    for _ in range(ROUNDS // 4):
        yield whole[: source.randrange(len(whole))]
    for _ in range(ROUNDS):
        changed = bytearray(whole)
        for _ in range(source.choice((1, 2, 8))):
            at = source.randrange(min(len(whole), 0x300) if source.random() < 0.5 else len(whole))
            if source.random() < 0.5:
                changed[at] = source.choice((0, 1, 0x7F, 0x80, 0xBF, 0xC0, 0xDF, 0xFF, source.randrange(256)))
            else:
                size = source.choice((2, 4))
                value = source.choice((0, 1, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) & (1 << 8 * size) - 1
                changed[at : at + size] = value.to_bytes(size, "little")
        yield bytes(changed)


def inputs(data: Path) -> Iterator[tuple[str, bytes]]:
    folder = data / "dotnet"
    for name in ("shop.dll", "shop.pdb", "till.dll"):
        yield name, (folder / name).read_bytes()
    # What is packed is damaged only as a whole by the above, so its inside is damaged here.
    packed = read_embedded_pdb(open_file(Window((folder / "till.dll").read_bytes(), "till.dll")))
    assert packed is not None
    yield "till.pdb", unpack_embedded(packed).tobytes()


@pytest.mark.parametrize("number", range(4))
def test_damaged_files(data: Path, number: int) -> None:
    name, whole = list(inputs(data))[number]
    source = random.Random(name)
    slowest = 0.0
    for changed in damaged(whole, source):
        start = time.process_time()
        ask(changed)
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 1


def test_damaged_metadata(data: Path) -> None:
    window = read_metadata(open_file(Window((data / "dotnet/shop.dll").read_bytes(), "shop.dll")))
    assert window is not None
    for changed in damaged(window.tobytes(), random.Random("metadata")):
        try:
            metadata = Metadata(Window(changed, "metadata"))
            for token in TOKENS:
                metadata.method_name(token)
        except FormatError:
            continue


def test_a_bomb_is_not_unpacked() -> None:
    """A small image whose embedded PDB would fill the memory."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(1 << 24)) + bomb.flush()
    for size in (16, 1 << 23, 1 << 31):
        start = time.process_time()
        with pytest.raises(FormatError):
            PortablePdb(unpack_embedded(b"MPDB" + size.to_bytes(4, "little") + packed))
        assert time.process_time() - start < 1


def test_a_path_of_many_long_parts_is_refused(data: Path) -> None:
    """Each byte of a document's name can stand for a part as long as the file."""
    whole = (data / "dotnet/shop.pdb").read_bytes()
    at = whole.index(b"#Blob\0") - 8
    blobs = int.from_bytes(whole[at : at + 4], "little")
    size = int.from_bytes(whole[at + 4 : at + 8], "little")
    heap = bytearray(whole[blobs : blobs + size])
    changed = bytearray(whole)
    # One blob holds all the rest of the heap; every name refers to it again and again.
    changed[blobs + 1 : blobs + 3] = (0x8000 | (size - 3)).to_bytes(2, "big")
    changed[blobs + 3 : blobs + size] = bytes([1]) * (len(heap) - 3)
    start = time.process_time()
    ask(bytes(changed))
    assert time.process_time() - start < 1
