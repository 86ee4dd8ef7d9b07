"""Portable PDBs and assemblies against System.Reflection.Metadata: `tests/data/dotnet/*.expected.txt` has its words."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError
from mdmp.formats.clr import Metadata, PortablePdb, is_portable_pdb, unpack_embedded
from mdmp.formats.clr.root import signed, unsigned
from mdmp.formats.clr.sequence_points import sequence_points
from mdmp.formats.clr.source_link import source_url
from mdmp.formats.pe.headers import open_file
from mdmp.formats.pe.managed import managed_kind, read_cli_header, read_embedded_pdb, read_metadata

ALGORITHMS = {"SHA1": "ff1816ec-aa5e-4d10-87f7-6f4963833460", "SHA256": "8829d00f-11b8-4213-878b-770e8597ac16"}
NO_ALGORITHM = "00000000-0000-0000-0000-000000000000"


class Pair(NamedTuple):
    metadata: Metadata
    pdb: PortablePdb
    expected: list[list[str]]

    def rows(self, kind: str) -> list[list[str]]:
        return [row[1:] for row in self.expected if row[0] == kind]


@pytest.fixture(params=["shop", "till"])
def pair(request: pytest.FixtureRequest, data: Path) -> Pair:
    folder = data / "dotnet"
    image = open_file(map_file(folder / f"{request.param}.dll"))
    packed = read_embedded_pdb(image)
    assert (packed is None) == (request.param == "shop")
    pdb = PortablePdb(unpack_embedded(packed) if packed else map_file(folder / "shop.pdb"))
    lines = (folder / f"{request.param}.expected.txt").read_text().splitlines()
    window = read_metadata(image)
    assert window is not None
    return Pair(Metadata(window), pdb, [line.split("|") for line in lines])


def test_the_assembly(pair: Pair) -> None:
    ((name, version),) = pair.rows("A")
    assert pair.metadata.assembly == (name, version)
    assert pair.metadata.runtime_version == "v4.0.30319"


def test_the_identity(pair: Pair) -> None:
    assert pair.pdb.id.hex() == pair.rows("I")[0][0]
    assert pair.pdb.guid == pair.pdb.id[:16]
    assert pair.pdb.stamp == int.from_bytes(pair.pdb.id[16:], "little")


def test_the_documents(pair: Pair) -> None:
    found = [
        [d.name, ALGORITHMS[d.checksum[0]] if d.checksum else NO_ALGORITHM, d.checksum[1].hex() if d.checksum else ""]
        for d in pair.pdb.documents
    ]
    assert found == pair.rows("D")


def test_the_methods(pair: Pair) -> None:
    rows = pair.rows("M")
    assert pair.metadata.method_count == len(rows)
    for token, name, written in rows:
        assert pair.metadata.method_name(int(token, 16)) == name
        assert pair.pdb.written_as(int(token, 16)) == int(written, 16)


def test_the_sequence_points(pair: Pair) -> None:
    documents = {d.row: d.name for d in pair.pdb.documents}
    token, wanted = 0, dict[int, list[list[str]]]()
    for row in pair.expected:
        if row[0] == "M":
            token = int(row[1], 16)
            wanted[token] = []
        elif row[0] == "S":
            wanted[token].append(row[1:])
    for token, points in wanted.items():
        found = [
            [str(p.offset), *map(str, p[2:] if p.line else ["h"]), documents[p.document]]
            for p in pair.pdb.sequence_points(token)
        ]
        assert found == points, hex(token)


def test_look_ups_take_the_last_visible_point_before_the_offset(pair: Pair) -> None:
    """As StackTraceSymbols of .NET does; calculated here from the oracle's points."""
    token, points = 0, list[tuple[int, str, str]]()

    def check() -> None:
        for offset in range(0, 120, 3):
            before = [p for p in points if p[0] <= offset]
            place = pair.pdb.lookup(token, offset)
            assert (place and (str(place.line), place.document.name)) == (before[-1][1:] if before else None)

    for row in pair.expected:
        if row[0] == "M":
            check()
            token, points = int(row[1], 16), []
        elif row[0] == "S" and row[2] != "h":
            points.append((int(row[1]), row[2], row[6]))
    check()


def test_checksums_are_those_of_the_sources(pair: Pair, data: Path) -> None:
    checked = 0
    for document in pair.pdb.documents:
        if document.checksum:
            raw = (data / "dotnet/src" / document.name.removeprefix("C:\\shop\\").replace("\\", "/")).read_bytes()
            assert hashlib.new(document.checksum[0], raw).digest() == document.checksum[1]
            checked += 1
    assert checked >= 2


def test_embedded_sources(pair: Pair, data: Path) -> None:
    embedded = pair.rows("A")[0][0] == "till"
    for document in pair.pdb.documents:
        source = pair.pdb.embedded_source(document)
        path = data / "dotnet/src" / document.name.removeprefix("C:\\shop\\").replace("\\", "/")
        assert source == (path.read_bytes() if embedded else None)


def test_source_link(pair: Pair) -> None:
    linked = pair.rows("A")[0][0] == "shop"
    urls = [pair.pdb.url(document) for document in pair.pdb.documents]
    assert urls[:2] == (
        ["https://example.org/shop/v1/Desk.cs", "https://example.org/shop/v1/generated/Rates.tt"]
        if linked
        else [None, None]
    )


@pytest.mark.parametrize("token", [0, 0x2000001, 0x6000000, 0x6FFFFFF, 0x600FFFF, 1 << 40])
def test_tokens_of_nothing(pair: Pair, token: int) -> None:
    assert pair.metadata.method_name(token) is None
    assert pair.pdb.lookup(token, 0) is None
    assert pair.pdb.written_as(token) == token


def test_the_portable_pdb_of_the_corpus(corpus: Path) -> None:
    """Lines as System.Reflection.Metadata gives them."""
    window = map_file(corpus / "pdb/symbolic-portable/portable.pdb")
    assert is_portable_pdb(window)
    pdb = PortablePdb(window)
    assert pdb.id.hex() == "b429691d8b46b84d93899a12bd257e1b1ef38cab"
    documents = list(pdb.documents)
    assert documents[0].name == "/Users/swatinem/Coding/sentry-dotnet/samples/foo/Program.cs"
    assert len(documents) == 4
    place = pdb.lookup(0x6000001, 0x1D)
    assert place is not None
    assert (place.document, place.line, place.column) == (documents[0], 18, 9)
    assert pdb.lookup(0x6000004, 0) is None


UNSIGNED = {
    "03": 3, "7f": 0x7F, "8080": 0x80, "ae57": 0x2E57, "bfff": 0x3FFF, "c0004000": 0x4000, "dfffffff": 0x1FFFFFFF,
}  # fmt: skip
SIGNED = {
    "06": 3, "7b": -3, "8080": 64, "01": -64, "c0004000": 8192, "8001": -8192, "dffffffe": 268435455,
    "c0000001": -268435456,
}  # fmt: skip


def test_compressed_integers() -> None:
    """The examples of ECMA-335 II.23.2."""
    for raw, value in UNSIGNED.items():
        assert unsigned(Window(bytes.fromhex(raw), "test"), 0) == (value, len(raw) // 2)
    for raw, value in SIGNED.items():
        assert signed(Window(bytes.fromhex(raw), "test"), 0) == (value, len(raw) // 2)
    for raw in ("", "80", "c00000", "e0", "ff"):
        with pytest.raises(FormatError):
            unsigned(Window(bytes.fromhex(raw), "test"), 0)


def test_sequence_points_by_hand() -> None:
    """A document in the blob, a switch to another one, a hidden point, a line that goes back."""
    blob = bytes([0, 5])  # no locals; document 5
    blob += bytes([0, 0, 4, 10, 9])  # offset 0, one line, 4 columns: 10:9
    blob += bytes([0, 6])  # now document 6
    blob += bytes([3, 0, 0])  # offset 3, hidden
    blob += bytes([4, 1, 0x7D, 0x7B, 2 << 1])  # offset 7, 2 lines, columns -2; 3 lines up, 2 columns right
    points = list(sequence_points(Window(blob, "test"), 0))
    assert points == [(0, 5, 10, 9, 10, 13), (3, 6, 0, 0, 0, 0), (7, 6, 7, 11, 8, 9)]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("C:\\src\\a b.cs", "https://x/a%20b.cs"),
        ("c:\\SRC\\sub\\a.cs", "https://x/sub/a.cs"),
        ("C:\\src\\lib\\a.cs", "https://lib/a.cs?v=1"),
        ("/_/one.cs", "https://one"),
        ("/_/two.cs", None),
    ],
)
def test_source_link_rules(path: str, url: str | None) -> None:
    rules = {"C:\\src\\*": "https://x/*", "C:\\src\\lib\\*": "https://lib/*?v=1", "/_/one.cs": "https://one", "*x": "*"}
    assert source_url(rules, path) == url


def test_kinds_of_managed_images(data: Path) -> None:
    assert managed_kind(open_file(map_file(data / "windows/shop.exe"))) is None
    whole = (data / "dotnet/shop.dll").read_bytes()
    assert managed_kind(open_file(Window(whole, "shop.dll"))) == "il"
    image = open_file(Window(whole, "shop.dll"))
    header = read_cli_header(image)
    assert header is not None
    at = whole.index(header.pack())
    mixed = whole[: at + 16] + b"\0" + whole[at + 17 :]
    assert managed_kind(open_file(Window(mixed, "mixed.dll"))) == "mixed"
    for signature, kind in ((b"RTR\0", "ready-to-run"), (b"\xaa\xbb\0\0", "native image")):
        code = image.sections[0]
        native = bytearray(whole)
        native[at + 64 : at + 72] = code.VirtualAddress.to_bytes(4, "little") + (16).to_bytes(4, "little")
        native[code.PointerToRawData : code.PointerToRawData + 4] = signature
        assert managed_kind(open_file(Window(bytes(native), "native.dll"))) == kind


def test_a_wrong_size_of_an_embedded_pdb_is_refused(data: Path) -> None:
    packed = read_embedded_pdb(open_file(map_file(data / "dotnet/till.dll")))
    assert packed is not None
    for size in (0, 1, 100, 0x7FFFFFFF):
        with pytest.raises(FormatError):
            PortablePdb(unpack_embedded(packed[:4] + size.to_bytes(4, "little") + packed[8:]))
    with pytest.raises(FormatError):
        unpack_embedded(b"MPDC" + packed[4:])
