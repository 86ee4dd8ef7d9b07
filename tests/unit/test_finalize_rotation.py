"""Which dumps go, by a model that knows nothing of sorting; and that nothing else is ever removed."""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.monitor.finalize.rotate import Dump, find_dumps, rotate, victims
from mdmp.monitor.policy.settings import Settings

posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
NOW = 10**18
HOUR = 3600 * 10**9
START = b"MDMP\x93\xa7dm"
DUMPS = st.lists(
    st.builds(Dump, st.integers(NOW - 9, NOW), st.sampled_from([f"{c}.dmp" for c in "abcdef"]), st.integers(0, 9)),
    max_size=9,
    unique_by=lambda dump: dump.name,
)
LIMITS = st.tuples(
    st.integers(1, 9), st.one_of(st.none(), st.integers(0, 12)), st.one_of(st.none(), st.integers(0, 60))
)


def expected_to_stay(dumps: list[Dump], count: int, max_age: int | None, max_total: int | None) -> set[Dump]:
    """One after the other, as they would be told by hand."""
    stay = set()
    for dump in dumps:
        newer = [other for other in dumps if (other.time, other.name) > (dump.time, dump.name)]
        within = sum(other.size for other in newer) + dump.size
        if not newer or (
            len(newer) < count
            and (max_age is None or dump.time >= NOW - max_age)
            and (max_total is None or within <= max_total)
        ):
            stay.add(dump)
    return stay


@given(DUMPS, LIMITS)
def test_as_the_model_says(dumps: list[Dump], limits: tuple[int, int | None, int | None]) -> None:
    gone = victims(dumps, NOW, *limits)
    assert set(dumps) - set(gone) == expected_to_stay(dumps, *limits)
    assert gone == sorted(gone)


@given(DUMPS, LIMITS, st.data())
def test_who_sees_fewer_removes_nothing_that_others_keep(
    dumps: list[Dump], limits: tuple[int, int | None, int | None], data: st.DataObject
) -> None:
    """Why no lock is needed."""
    some = data.draw(st.lists(st.sampled_from(dumps), unique=True)) if dumps else []
    assert set(victims(some, NOW, *limits)) <= set(victims(dumps, NOW, *limits))


def test_a_dump_from_the_future_is_not_kept_for_ever() -> None:
    dumps = [Dump(NOW + 2 * HOUR, "future", 1), Dump(NOW - 5, "old", 1), Dump(NOW, "new", 1)]
    assert [dump.name for dump in victims(dumps, NOW, 2)] == ["future"]
    assert [dump.name for dump in victims(dumps, NOW, 1)] == ["future", "old"]


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def put(name: str, age: float = 0, content: bytes = START + bytes(8000)) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    return put


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def dump_name(number: int) -> str:
    return f"shop.{number}.20260102T030405Z.dmp"


def rotated(folder: Path, settings: Settings) -> tuple[list[str], list[str]]:
    return rotate(str(folder), settings, os.lstat(folder).st_uid)


def test_by_count(put: Callable[..., Path], tmp_path: Path) -> None:
    for number in range(12):
        put(dump_name(number), age=100 - number)
    removed, problems = rotated(tmp_path, Settings())
    assert (removed, problems) == ([dump_name(0), dump_name(1)], [])
    assert names(tmp_path) == {dump_name(number) for number in range(2, 12)}
    assert rotated(tmp_path, Settings()) == ([], [])


def test_by_age_and_size(put: Callable[..., Path], tmp_path: Path) -> None:
    for number in range(6):
        put(dump_name(number), age=86400 * (6 - number), content=START + os.urandom(100_000))
    assert rotated(tmp_path, Settings(max_age=timedelta(days=4, hours=1)))[0] == [dump_name(0), dump_name(1)]
    assert rotated(tmp_path, Settings(max_total=250_000))[0] == [dump_name(2), dump_name(3)]
    assert rotated(tmp_path, Settings(max_total=0, max_age=timedelta(0)))[0] == [dump_name(4)]
    assert names(tmp_path) == {dump_name(5)}, "the newest stays, whatever the limits"


def test_reports_go_with_their_dump(put: Callable[..., Path], tmp_path: Path) -> None:
    put(dump_name(1), age=9)
    put(dump_name(2))
    others = {f"{dump_name(1)}.notes", f"{dump_name(1)}.txt.bak", f"{dump_name(3)}.txt"}
    for name in {f"{dump_name(n)}{end}" for n in (1, 2) for end in (".txt", ".html", ".json", ".md")} | others:
        put(name, content=b"report")
    rotated(tmp_path, Settings(count=1))
    kept = {dump_name(2), *(dump_name(2) + end for end in (".txt", ".html", ".json", ".md"))}
    assert names(tmp_path) == kept | others


def test_what_is_not_ours_stays(put: Callable[..., Path], tmp_path: Path) -> None:
    """Neither dumps that users named themselves, nor files of others that have such names, nor parts."""
    put(dump_name(1))
    put("important.dmp", age=99)
    put("important.1234.dmp", age=99)
    put("oracle.1.20260102T030405Z.dmp", age=99, content=b"EXPORT:V11")
    put(f"{dump_name(3)}.77-abc.part", age=99)
    if sys.platform != "win32":
        put(dump_name(4), age=99, content=b"MDMP\x93\xa7\0\0 by another writer")
    (tmp_path / dump_name(5)).mkdir()
    before = names(tmp_path)
    assert rotated(tmp_path, Settings(count=1)) == ([], [])
    assert names(tmp_path) == before


@posix
def test_links_and_pipes_stay(put: Callable[..., Path], tmp_path: Path) -> None:
    target = put("kept", age=99)
    put(dump_name(1))
    (tmp_path / dump_name(2)).symlink_to(target)
    os.link(target, tmp_path / "twice")
    os.mkfifo(tmp_path / dump_name(3))
    before = names(tmp_path)
    assert rotated(tmp_path, Settings(count=1)) == ([], [])
    assert names(tmp_path) == before


@posix
def test_dumps_of_others_stay(put: Callable[..., Path], tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for number in range(4):
        os.chown(put(dump_name(number), age=9 - number), 65534 if number % 2 else 0, 0)
    assert len(find_dumps(str(tmp_path), Settings().name, 65534)) == 2
    assert rotate(str(tmp_path), Settings(count=1), 0)[0] == [dump_name(0)]
    assert names(tmp_path) == {dump_name(1), dump_name(2), dump_name(3)}


def test_a_dump_that_cannot_be_removed_is_told(
    put: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(dump_name(number), age=9 - number)
    remove = os.unlink

    def refuse(path: str) -> None:
        if path.endswith(dump_name(0)):
            raise PermissionError(13, "Permission denied")
        remove(path)

    monkeypatch.setattr(os, "unlink", refuse)
    removed, problems = rotated(tmp_path, Settings(count=1))
    assert removed == [dump_name(1)]
    assert problems == [f"old dump {dump_name(0)} cannot be removed: Permission denied"]
