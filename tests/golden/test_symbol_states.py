"""What a report says of symbols that are missing, of another build, or damaged; and all the places they may lie in."""

import json
import re
import shutil
from pathlib import Path

import pytest

import mdmp
from mdmp.cli.__main__ import main
from mdmp.report.model import ModuleReport

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"


@pytest.fixture
def lonely(tmp_path: Path) -> Path:
    """A dump and its program, without the PDB."""
    folder = tmp_path / "lonely"
    folder.mkdir()
    shutil.copy(FOLDER / "shop.exe", folder)
    return Path(shutil.copy(FOLDER / "null_write_x64.dmp", folder))


def shop(report: mdmp.Report) -> ModuleReport:
    return next(module for module in report.modules if module.name == "shop.exe")


def identity() -> tuple[str, str]:
    """GUID with dashes, and GUID and age as symbol stores spell them, from the program's own bytes."""
    data = (FOLDER / "shop.exe").read_bytes()
    at = data.index(b"RSDS") + 4
    raw, age = data[at : at + 16], int.from_bytes(data[at + 16 : at + 20], "little")
    a, b, c = (int.from_bytes(raw[i : i + n], "little") for i, n in ((0, 4), (4, 2), (6, 2)))
    parts = (f"{a:08X}", f"{b:04X}", f"{c:04X}", raw[8:10].hex().upper(), raw[10:].hex().upper())
    return "-".join(parts), "".join(parts) + f"{age:X}"


def line_of(report: mdmp.Report) -> int | None:
    return report.blame.line if report.blame else None


def test_missing(lonely: Path, tmp_path: Path) -> None:
    report = mdmp.analyze(mdmp.open_dump(lonely), symbols=[tmp_path / "nothing", tmp_path])
    module = shop(report)
    assert module.symbols.status == "missing"
    assert module.symbols.tried == (
        f"{tmp_path / 'nothing'} (--symbols)",
        f"{tmp_path} (--symbols)",
        f"{lonely.parent} (beside the dump)",
    )
    assert (module.debug_file, module.debug_id) == ("shop.pdb", identity()[1])
    assert module.image.status == "found"
    assert module.image.path == str(lonely.parent / "shop.exe")
    frames = report.threads[0].frames
    assert [frame.trust for frame in frames[:4]] == ["context", "cfi", "cfi", "cfi"], "the image is enough to walk"
    assert all(frame.missing_symbols and frame.function is None for frame in frames)


def test_another_build(lonely: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pdb = bytearray((FOLDER / "shop.pdb").read_bytes())
    mine, _ = identity()
    a, b, c, *rest = mine.split("-")
    raw = b"".join(int(text, 16).to_bytes(len(text) // 2, "little") for text in (a, b, c)) + bytes.fromhex(
        "".join(rest)
    )
    assert pdb.count(raw) == 1
    pdb[pdb.index(raw)] ^= 0xFF
    theirs = mine[:6] + f"{int(mine[6:8], 16) ^ 0xFF:02X}" + mine[8:]
    (lonely.parent / "shop.pdb").write_bytes(pdb)
    report = mdmp.analyze(mdmp.open_dump(lonely))
    symbols = shop(report).symbols
    assert symbols.status == "mismatched"
    assert symbols.path == str(lonely.parent / "shop.pdb")
    assert symbols.note is not None
    assert f"the module wants {mine} age 1" in symbols.note
    assert f"the file is {theirs} age 1" in symbols.note
    assert line_of(report) is None
    assert main(["analyze", str(lonely)]) == 0
    text = capsys.readouterr().out
    assert mine in text
    assert theirs in text


def test_an_image_of_another_build(lonely: Path) -> None:
    image = bytearray((lonely.parent / "shop.exe").read_bytes())
    header = int.from_bytes(image[0x3C:0x40], "little")
    stamp = int.from_bytes(image[header + 8 : header + 12], "little")
    image[header + 8] ^= 0xFF
    (lonely.parent / "shop.exe").write_bytes(image)
    module = shop(mdmp.analyze(mdmp.open_dump(lonely)))
    assert module.image.status == "mismatched"
    assert module.image.note is not None
    assert f"{stamp:08X}" in module.image.note
    assert f"{stamp ^ 0xFF:08X}" in module.image.note


@pytest.mark.parametrize("kept", [0, 10, 3000, 4096, 0.2, 0.9])
def test_cut_off(lonely: Path, kept: float, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that stops early is never taken for the right one without a word, and costs nothing else."""
    whole = (FOLDER / "shop.pdb").read_bytes()
    (lonely.parent / "shop.pdb").write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    report = mdmp.analyze(mdmp.open_dump(lonely))
    symbols = shop(report).symbols
    assert symbols.status == "damaged"
    assert symbols.path == str(lonely.parent / "shop.pdb")
    assert symbols.note
    assert line_of(report) is None
    assert report.threads[0].frames[1].trust == "cfi"
    assert main(["analyze", str(lonely)]) == 0
    assert "damaged" in capsys.readouterr().out


def test_damage_inside_the_right_file_is_told(lonely: Path) -> None:
    """The file is the right one, but the records of the module that crashed are rubbish."""
    pdb = bytearray((FOLDER / "shop.pdb").read_bytes())
    at = pdb.index(b"\4\0\0\0", pdb.index(b"shop.x86_64.obj") & ~0xFFF)
    pdb[at : at + 4] = b"\xff" * 4
    (lonely.parent / "shop.pdb").write_bytes(pdb)
    report = mdmp.analyze(mdmp.open_dump(lonely))
    assert shop(report).symbols.status == "found"
    assert line_of(report) == 31, "lines are kept elsewhere; what was inlined there is lost"
    assert [issue.place.partition(":")[0] for issue in report.issues] == ["symbols of shop.exe"]
    assert "shop.x86_64.obj" in report.issues[0].place


def test_the_right_file_is_found_behind_wrong_ones(lonely: Path, tmp_path: Path) -> None:
    cut, other = tmp_path / "cut", tmp_path / "other"
    for folder in (cut, other):
        folder.mkdir()
    (cut / "shop.pdb").write_bytes((FOLDER / "shop.pdb").read_bytes()[:5000])
    shutil.copy(FOLDER / "faults.pdb", other / "shop.pdb")
    report = mdmp.analyze(mdmp.open_dump(lonely), symbols=[cut, other, FOLDER])
    assert shop(report).symbols.status == "found"
    assert shop(report).symbols.path == str(FOLDER / "shop.pdb")
    assert line_of(report) == 10


LAYOUTS = {
    "flat": "shop.pdb",
    "other case": "SHOP.PDB",
    "by extension": "symbols/pdb/shop.pdb",
    "store": "shop.pdb/{id}/shop.pdb",
    "store, lower case": "shop.pdb/{lower}/shop.pdb",
    "two-tier store": "sh/shop.pdb/{id}/shop.pdb",
}


@pytest.mark.parametrize("way", ["--symbols", "--images", "_NT_SYMBOL_PATH", "srv", "file"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_everywhere(
    way: str,
    layout: str,
    lonely: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "store"
    pdb = store / LAYOUTS[layout].format(id=identity()[1], lower=identity()[1].lower())
    pdb.parent.mkdir(parents=True)
    shutil.copy(FOLDER / "shop.pdb", pdb)
    (store / "index2.txt").touch()
    arguments = ["analyze", "--json", str(lonely)]
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    if way == "_NT_SYMBOL_PATH":
        monkeypatch.setenv(way, f"{tmp_path / 'none'};{store}")
    elif way == "srv":
        monkeypatch.setenv("_NT_SYMBOL_PATH", f"srv*{store}*https://symbols.invalid/download")
    else:
        arguments += ["--symbols", str(pdb)] if way == "file" else [way, str(store)]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["mdmp"]["blame"]["line"] == 10
    (module,) = (module for module in report["modules"] if module["filename"] == "shop.exe")
    assert module["symbols"]["path"] == str(pdb)
    assert module["loaded_symbols"]


@pytest.mark.parametrize("layout", ["shop.exe", "shop.exe/{id}/shop.exe", "sh/shop.exe/{id}/shop.exe"])
def test_images_in_stores(layout: str, tmp_path: Path) -> None:
    dump = shutil.copy(FOLDER / "null_write_x64.dmp", tmp_path)
    snapshot = mdmp.open_dump(dump)
    module = next(module for module in snapshot.modules or () if module.name == "shop.exe")
    assert module.code_id is not None
    assert re.fullmatch(r"[0-9A-F]{8}[0-9a-f]+", module.code_id)
    image = tmp_path / "store" / layout.format(id=module.code_id)
    image.parent.mkdir(parents=True)
    shutil.copy(FOLDER / "shop.exe", image)
    report = mdmp.analyze(snapshot, images=[tmp_path / "store"], symbols=[FOLDER / "shop.pdb"])
    assert shop(report).image.path == str(image)
    assert line_of(report) == 10
