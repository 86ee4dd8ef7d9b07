"""The index of a symbol file: what is kept, when it is believed, and what happens to a bad one."""

import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.formats.breakpad import SymFile, store, symfile
from mdmp.formats.breakpad.tables import NONE, _Ranges, scan

TEXT = b"MODULE windows x86 00112233445566778899AABBCCDDEEFF1 ../we ird.pdb\n" + b"".join(
    b"FUNC %x 10 0 f%d\n%x 10 %d 1\n" % (0x1000 + 16 * i, i, 0x1000 + 16 * i, i) for i in range(500)
)


def write(path: Path, text: bytes = TEXT) -> Path:
    path.write_bytes(text)
    os.utime(path, ns=(10**18, 10**18))
    return path


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name for every pass over a text."""
    seen = list[str]()

    def counting(window: Window) -> object:
        seen.append(window.name)
        return scan(window)

    monkeypatch.setattr(symfile, "scan", counting)
    return seen


def test_the_second_run_does_not_scan(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    answers = [SymFile.open(path, tmp_path / "cache" / "sym").lookup(0x1000 + 16 * 77) for _ in range(3)]
    assert scans == ["a.sym"]
    assert answers[0][0].function == "f77"
    assert answers == [answers[0]] * 3


def test_the_name_of_the_index_is_fit_for_a_folder(tmp_path: Path) -> None:
    SymFile.open(write(tmp_path / "a.sym"), tmp_path / "cache")
    (name,) = [entry.name for entry in (tmp_path / "cache").iterdir()]
    assert name == f"_we_ird.pdb-00112233445566778899AABBCCDDEEFF1-{len(TEXT):x}.symindex"


def test_without_a_folder_nothing_is_kept(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    for _ in range(2):
        SymFile.open(path)
    assert len(scans) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_changed_file_is_scanned_again(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    SymFile.open(path, tmp_path / "cache")
    path = write(tmp_path / "a.sym", TEXT.replace(b"FUNC 1000 10", b"FUNC 1000 08"))
    assert SymFile.open(path, tmp_path / "cache").lookup(0x1000)[0].size == 8
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    SymFile.open(path, tmp_path / "cache")
    SymFile.open(path, tmp_path / "cache")
    assert len(scans) == 3


def test_a_damaged_index_is_made_again(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    SymFile.open(path, tmp_path / "cache")
    (index,) = (tmp_path / "cache").iterdir()
    good = index.read_bytes()
    rng = random.Random(3)
    bad = [b"", b"x", good[:-1], good[:40], good + b"x", bytes(len(good))]
    for _ in range(40):
        at = rng.randrange(len(good))
        bad.append(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
    for content in bad:
        scans.clear()
        index.write_bytes(content)
        assert SymFile.open(path, tmp_path / "cache").lookup(0x1015)[0].function == "f1"
        assert len(scans) == 1
        assert index.read_bytes() == good


def test_an_index_of_another_version_is_made_again(
    tmp_path: Path, scans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.sym")
    SymFile.open(path, tmp_path / "cache")
    monkeypatch.setattr(store, "_VERSION", 99)
    SymFile.open(path, tmp_path / "cache")
    assert len(scans) == 2


def test_a_file_older_than_1970(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    os.utime(path, ns=(-(10**18), -(10**18)))
    for _ in range(2):
        assert SymFile.open(path, tmp_path / "cache").lookup(0x1000)
    assert len(scans) == 1


def test_many_writers_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sym")
    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(lambda _: SymFile.open(path, tmp_path / "cache"), range(24)))
    assert {file.lookup(0x1010)[0].function for file in files} == {"f1"}
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym")
    for _ in range(2):
        assert SymFile.open(path, path / "cache").lookup(0x1000)
    assert len(scans) == 2


def test_nothing_is_left_behind_when_the_index_cannot_be_renamed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sym")
    window = Window(TEXT, "a.sym")
    target = tmp_path / "cache" / "taken"
    target.mkdir(parents=True)
    (target / "file").write_bytes(b"")
    store.save(target, store.identify(window, 0), scan(window))
    assert [entry.name for entry in target.parent.iterdir()] == ["taken"]
    assert path.exists()


def test_damage_is_told_from_a_kept_index_too(tmp_path: Path, scans: list[str]) -> None:
    path = write(tmp_path / "a.sym", TEXT + b"FUNC 9\nPUBLIC z\n")
    found = [SymFile.open(path, tmp_path / "cache").issues for _ in range(2)]
    assert len(scans) == 1
    assert found[0] == found[1]
    assert [issue.place for issue in found[0]] == ["a.sym line 1002", "a.sym line 1003"]


def test_the_tables_are_the_same_from_memory_and_from_a_file(tmp_path: Path) -> None:
    window = Window(TEXT, "a.sym")
    tables = scan(window)
    identity = store.identify(window, 5)
    store.save(tmp_path / "index", identity, tables)
    kept = store.load(tmp_path / "index", identity)
    assert kept is not None
    assert [[list(column) for column in table] for table in kept] == [
        [list(column) for column in table] for table in tables
    ]
    assert store.load(tmp_path / "index", identity._replace(modified=6)) is None


@pytest.mark.parametrize("seed", range(60))
def test_overlaps_are_resolved_like_a_walk_over_all_ranges(seed: int) -> None:
    rng = random.Random(seed)
    ranges = [(rng.randrange(60), rng.randrange(25)) for _ in range(rng.randrange(30))]
    collected = _Ranges()
    for i, (start, size) in enumerate(ranges):
        assert collected.add(start, size, i)
    table = collected.table()
    for address in range(90):
        covering = [(start, -size, -i) for i, (start, size) in enumerate(ranges) if start <= address < start + size]
        assert table.at(address) == (-max(covering)[2] if covering else None)
    assert list(table.keys) == sorted(set(table.keys))
    assert not table.offsets or table.offsets[-1] == NONE


def test_ranges_up_to_the_end_of_the_address_space() -> None:
    collected = _Ranges()
    assert collected.add(NONE - 1, 1, 7)
    assert not collected.add(NONE, 1, 8)
    assert not collected.add(1, NONE, 9)
    table = collected.table()
    assert (table.at(NONE - 1), table.at(NONE)) == (7, None)


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be replaced")
def test_readers_of_an_old_index_are_not_disturbed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sym")
    SymFile.open(path, tmp_path / "cache")
    reader = SymFile.open(path, tmp_path / "cache")
    window = Window(TEXT, "a.sym")
    (index,) = (tmp_path / "cache").iterdir()
    store.save(index, store.identify(window, 1), scan(Window(b"FUNC 1 1 1 other\n", "b.sym")))
    assert reader.lookup(0x1000)[0].function == "f0"
