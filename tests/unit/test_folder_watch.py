"""A folder that somebody else writes dumps into."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdmp.monitor.folder_watch import SETTLED, FolderWatch
from mdmp.monitor.policy.environment import command_line_source
from mdmp.monitor.policy.policy import Policy

QUIET = Policy((command_line_source({"log": False, "notice": "none"}),))
Add = Callable[..., Path]


@pytest.fixture
def add(tmp_path: Path) -> Add:
    def add_file(name: str, age: float = SETTLED + 1) -> Path:
        path = tmp_path / name
        path.write_bytes(b"no dump")
        time = path.stat().st_mtime - age
        os.utime(path, (time, time))
        return path

    return add_file


def seen(watch: FolderWatch) -> list[str]:
    return sorted(outcome.fault.text.partition(":")[0] for outcome in watch.look())


def test_each_dump_is_told_of_once(add: Add, tmp_path: Path) -> None:
    watch = FolderWatch(str(tmp_path), QUIET, None)
    add("old.dmp")
    watch.take_as_known()
    new, fresh = add("new.DMP"), add("fresh.mdmp", 0)
    add("new.txt")
    assert seen(watch) == [str(new)]
    assert seen(watch) == []
    os.utime(fresh, (1, 1))
    assert seen(watch) == [str(fresh)]


def test_a_folder_that_is_not_there_yet(add: Add, tmp_path: Path) -> None:
    watch = FolderWatch(str(tmp_path / "dumps"), QUIET, None)
    assert seen(watch) == []
    (tmp_path / "dumps").mkdir()
    assert seen(watch) == []
    path = add("dumps/a.dmp")
    assert seen(watch) == [str(path)]


def test_a_file_that_goes_while_we_look_does_not_hide_the_others(
    add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = FolderWatch(str(tmp_path), QUIET, None)
    paths = [add(f"{number}.dmp") for number in range(3)]
    assert seen(watch) == list(map(str, paths))
    scandir = os.scandir

    @contextmanager
    def slow(folder: str) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        paths[0].unlink(missing_ok=True)
        yield found

    monkeypatch.setattr(os, "scandir", slow)
    assert seen(watch) == []
    assert seen(watch) == [], "they are no news"
