"""Symbols of .NET modules: where portable PDBs are found, and how `mdmp lookup` is asked for methods."""

import json
import shutil
from pathlib import Path

import pytest
from command import assert_refused, mdmp

from mdmp.binary.window import map_file
from mdmp.formats.pe.headers import open_file
from mdmp.snapshot import DebugId, EmptyMemory, Module
from mdmp.symbols.path import Place
from mdmp.symbols.pe_module import PeModule
from mdmp.symbols.symbols import Symbols
from synth import minidump as synth

TOTAL = "0x6000001+0x16"
ANSWER = "Shop.Desk.Total\nC:\\shop\\Desk.cs:29\n\n"
GUID = "5487B031-E29A-4606-9DFF-DFE2501F50D2".replace("-", "")


@pytest.fixture
def dotnet(data: Path) -> Path:
    return data / "dotnet"


def symbols_of(image: Path, *folders: Path, debug: DebugId | None = None) -> PeModule:
    pe = open_file(map_file(image))
    module = Module(0x10000, pe.size, f"C:\\shop\\{image.name}", pe.timestamp, debug=debug, os="windows")
    places = tuple(Place(str(folder), "test") for folder in folders)
    found = Symbols(EmptyMemory(), places, (Place(str(image), "test"),)).of(module)
    assert isinstance(found, PeModule)
    return found


def test_a_pdb_in_a_plain_folder(dotnet: Path) -> None:
    found = symbols_of(dotnet / "shop.dll", dotnet)
    assert found.format == "portable-pdb"
    assert [(kind, located.state) for kind, located in found.searches] == [
        ("portable-pdb", "found"),
        ("sym", "missing"),
    ]
    (frame,) = found.lookup_il(0x6000001, 0x16)
    assert (frame.function, frame.file, frame.line) == ("Shop.Desk.Total", "C:\\shop\\Desk.cs", 29)
    assert frame.checksum is not None and frame.checksum[0] == "SHA1"
    assert frame.url == "https://example.org/shop/v1/Desk.cs"
    assert found.lookup(0x2050) == ()  # IL is no native code


@pytest.mark.parametrize("identity", [f"{GUID}FFFFFFFF", f"{GUID.lower()}ffffffff", f"{GUID}1"])
def test_a_pdb_in_a_symbol_store(dotnet: Path, tmp_path: Path, identity: str) -> None:
    store = tmp_path / "store/shop.pdb" / identity
    store.mkdir(parents=True)
    shutil.copy(dotnet / "shop.pdb", store)
    image = shutil.copy(dotnet / "shop.dll", tmp_path)
    assert symbols_of(Path(image), tmp_path / "store").format == "portable-pdb"


def test_a_pdb_of_another_build_is_told(dotnet: Path, tmp_path: Path) -> None:
    raw = bytearray((dotnet / "shop.pdb").read_bytes())
    at = raw.index(bytes.fromhex("31b087549ae206469dffdfe2501f50d2"))
    raw[at] ^= 1
    (tmp_path / "shop.pdb").write_bytes(raw)
    image = Path(shutil.copy(dotnet / "shop.dll", tmp_path))
    found = symbols_of(image, tmp_path)
    assert found.pdb.state == "mismatched"
    assert "another build" in (found.pdb.note or "")
    assert [frame.function for frame in found.lookup_il(0x6000001, 0)] == ["Shop.Desk.Total"]  # of the assembly


def test_a_damaged_pdb_is_told(dotnet: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.pdb").write_bytes((dotnet / "shop.pdb").read_bytes()[:60])
    found = symbols_of(Path(shutil.copy(dotnet / "shop.dll", tmp_path)), tmp_path)
    assert found.pdb.state == "damaged"


def test_an_embedded_pdb_needs_no_search(dotnet: Path) -> None:
    found = symbols_of(dotnet / "till.dll")
    assert found.pdb.state == "found"
    assert found.pdb.path == dotnet / "till.dll"
    (frame,) = found.lookup_il(0x6000001, 0x16)
    assert frame.file == "C:\\shop\\Desk.cs"


def test_a_damaged_embedded_pdb_is_told(dotnet: Path, tmp_path: Path) -> None:
    raw = bytearray((dotnet / "till.dll").read_bytes())
    at = raw.index(b"MPDB")
    raw[at + 8 : at + 40] = b"\xff" * 32
    (tmp_path / "till.dll").write_bytes(raw)
    found = symbols_of(tmp_path / "till.dll")
    assert found.pdb.state == "damaged"
    assert "deflated" in (found.pdb.note or "")


def test_a_native_module_knows_no_methods(data: Path) -> None:
    found = symbols_of(data / "windows/shop.exe", data / "windows")
    assert found.format == "pdb"
    assert found.lookup_il(0x6000001, 0) == ()


@pytest.mark.parametrize("file", ["shop.dll", "shop.pdb", "till.dll"])
def test_lookup_by_token_and_offset(dotnet: Path, file: str) -> None:
    line = 29 if file != "till.dll" else 27
    result = mdmp("lookup", dotnet / file, TOTAL)
    assert result == (0, f"Shop.Desk.Total\nC:\\shop\\Desk.cs:{line}\n\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "0x6000001+0x16",
        "06000001+16",
        "6000001+0x16",
        "shop.dll!0x6000001+0x16",
        "   at Shop.Desk.Total(IEnumerable`1 prices, Int32 discount) in shop.dll:token 0x6000001+0x16",
    ],
)
def test_spellings(dotnet: Path, text: str) -> None:
    assert mdmp("lookup", dotnet / "shop.dll", "-", stdin=text.encode()).out == ANSWER


def test_a_place_in_another_assembly_is_not_answered(dotnet: Path) -> None:
    text = "at Shop.Desk.Total() in other.dll:token 0x6000001+0x16"
    assert mdmp("lookup", dotnet / "shop.dll", text) == (1, "??\n??:0\n\n", "")


def test_the_code_of_an_iterator_goes_by_its_written_name(dotnet: Path) -> None:
    assert mdmp("lookup", dotnet / "shop.dll", "0x6000010+0x3b").out == "Shop.Desk.Cheap\nC:\\shop\\Desk.cs:40\n\n"


def test_json(dotnet: Path) -> None:
    answer = json.loads(mdmp("lookup", "--json", dotnet / "shop.dll", TOTAL).out)
    assert answer == {
        "address": TOTAL,
        "frames": [
            {
                "function": "Shop.Desk.Total",
                "file": "C:\\shop\\Desk.cs",
                "line": 29,
                "inline": False,
                "url": "https://example.org/shop/v1/Desk.cs",
            }
        ],
    }


def test_a_pdb_alone_has_no_names(dotnet: Path, tmp_path: Path) -> None:
    pdb = shutil.copy(dotnet / "shop.pdb", tmp_path)
    assert mdmp("lookup", pdb, TOTAL).out == "0x6000001\nC:\\shop\\Desk.cs:29\n\n"
    assert mdmp("lookup", pdb, TOTAL, "--image", dotnet / "shop.dll").out == ANSWER
    assert mdmp("lookup", dotnet / "shop.dll", TOTAL, "--pdb", pdb).out == ANSWER
    assert_refused(mdmp("lookup", pdb, TOTAL, "--image", dotnet / "till.dll"), "till.dll", "not the image")
    shutil.copy(dotnet / "till.dll", tmp_path / "shop.dll")  # beside it, but another one
    assert mdmp("lookup", pdb, TOTAL).out == "0x6000001\nC:\\shop\\Desk.cs:29\n\n"


def test_native_symbols_know_no_methods(data: Path) -> None:
    assert mdmp("lookup", data / "windows/shop.exe", TOTAL) == (1, "??\n??:0\n\n", "")


def test_lookup_in_a_dump(dotnet: Path, tmp_path: Path) -> None:
    pe = open_file(map_file(dotnet / "shop.dll"))
    dump = synth.DumpFile()
    dump.stream(7, synth.system_info(synth.AMD64, synth.WINDOWS))
    name = dump.string("C:\\shop\\Shop.dll")
    dump.stream(4, synth.counted([synth.module(0x7FF00000, pe.size, name, stamp=pe.timestamp)]))
    path = tmp_path / "crash.dmp"
    path.write_bytes(dump.build())
    asked = ["shop.dll!0x6000001+0x16", "gone.dll!0x6000001+0x16"]
    result = mdmp("lookup", path, "--symbols", dotnet, "--images", dotnet, *asked)
    assert result == (0, ANSWER + "??\n??:0\n\n", "")
