"""Where symbols are looked for, and what is said when they are not there."""

import hashlib
import shutil
from pathlib import Path

import pytest

from mdmp.errors import FormatError
from mdmp.symbols import layout
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import locate
from mdmp.symbols.path import Place, local_places
from mdmp.symbols.source_text import SourceFolders


def touch(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("srv*/cache*https://symbols.example/download", ["/cache"]),
        ("SRV*/a*/b*http://x;/plain;", ["/a", "/b", "/plain"]),
        ("symsrv*symsrv.dll*/c*https://x", ["/c"]),
        ("cache*/d;srv*\\\\server\\share*https://x", ["/d"]),
        ("https://x;//server/share", []),
        ("", []),
    ],
)
def test_local_parts_of_a_symbol_path(text: str, folders: list[str]) -> None:
    assert [place.path for place in local_places(text, "env")] == folders


@pytest.mark.parametrize("name", ["", "..", "C:\\x\\..", "a:b", "x\0y"])
def test_names_that_lead_out_of_a_folder_are_refused(name: str) -> None:
    assert layout.safe_name(name) == ""


def test_a_base_name_is_cut_at_both_kinds_of_slash() -> None:
    assert layout.safe_name("C:\\build/out\\App.pdb") == "App.pdb"


def test_every_layout_is_found_whatever_the_case(tmp_path: Path) -> None:
    flat = touch(tmp_path / "flat" / "APP.PDB")
    sub = touch(tmp_path / "sub" / "symbols" / "pdb" / "app.pdb")
    store = touch(tmp_path / "store" / "app.pdb" / "ABC1" / "app.pdb")
    tiered = touch(tmp_path / "tiered" / "ap" / "App.pdb" / "abc1" / "app.pdb")
    folders = Folders(Place(str(tmp_path / name), "test") for name in ("flat", "sub", "store", "tiered", "missing"))
    layouts = [*layout.plain("App.pdb"), *layout.store("App.pdb", "ABC1")]
    assert list(folders.candidates(layouts)) == [flat, sub, store, tiered]


def test_a_file_can_be_given_by_itself(tmp_path: Path) -> None:
    file = touch(tmp_path / "app.pdb")
    folders = Folders([Place(str(file), "test")])
    assert list(folders.candidates(layout.plain("App.pdb"))) == [file]
    assert list(folders.candidates(layout.plain("other.pdb"))) == []


def test_a_file_of_another_build_is_passed_over_and_told(tmp_path: Path) -> None:
    files = [touch(tmp_path / name, name) for name in ("damaged", "old", "right")]

    def read(path: Path) -> str:
        text = path.read_text()
        if text == "damaged":
            raise FormatError("header", "expected a signature; found rubbish", 0)
        return text

    def objection(text: str) -> str | None:
        return None if text == "right" else "another build"

    assert locate(files, read, objection, ()).path == files[2]
    missed = locate(files[:2], read, objection, ("somewhere",))
    assert (missed.state, missed.path, missed.tried) == ("mismatched", files[1], ("somewhere",))
    assert missed.note is not None and "rubbish" in missed.note and "another build" in missed.note
    assert locate(files[:1], read, objection, ()).state == "damaged"
    assert locate([], read, objection, ()).state == "missing"


def test_source_is_found_by_the_longest_tail_of_its_path(tmp_path: Path) -> None:
    wrong = touch(tmp_path / "main.c", "int other;\n")
    right = touch(tmp_path / "src" / "main.c", "int main;\n")
    found = SourceFolders((tmp_path,)).find("D:\\work\\src\\main.c", None)
    assert found is not None and (found.path, found.lines, found.verified) == (right, ("int main;",), None)
    checksum = ("MD5", hashlib.md5(wrong.read_bytes()).digest())
    found = SourceFolders((tmp_path,)).find("D:\\work\\src\\main.c", checksum)
    assert found is not None and (found.path, found.verified) == (wrong, True)
    shutil.rmtree(tmp_path / "src")
    found = SourceFolders((tmp_path,)).find("/x/main.c", ("SHA1", bytes(20)))
    assert found is not None and found.verified is False
    assert SourceFolders((tmp_path,)).find("../../etc/passwd", None) is None


def test_line_endings_do_not_change_what_was_compiled(tmp_path: Path) -> None:
    touch(tmp_path / "a.c", "one\ntwo\n")
    checksum = ("SHA256", hashlib.sha256(b"one\r\ntwo\r\n").digest())
    found = SourceFolders((tmp_path,)).find("a.c", checksum)
    assert found is not None and found.verified is True
