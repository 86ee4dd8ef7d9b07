"""Finalizing on Windows Python under the machine's Wine: folder, names, rotation, log, message, report."""

import json
import os
from pathlib import Path

import pytest
from wine import Wine

import mdmp

pytestmark = pytest.mark.wine
KEEP = r"""
import json, os, sys
sys.path.insert(0, sys.argv[1])
from keeping import keep
outcomes = [keep(sys.argv[2], mark=mark, **json.loads(sys.argv[3])) for mark in (1, 2, 3)]
print(json.dumps([[o.saved and o.saved.path, o.problem, o.notes] for o in outcomes]))
"""
SOURCE = r"""
import json, winreg
from mdmp.monitor.windows.event_log import KEY, register_source, unregister_source
unregister_source()
for _ in range(2):
    register_source()
with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, KEY) as key:
    found = [winreg.QueryValueEx(key, name) for name in ("EventMessageFile", "TypesSupported")]
for _ in range(2):
    unregister_source()
try:
    winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, KEY)
except FileNotFoundError:
    print(json.dumps(found))
"""
FOLDERS = r"""
from mdmp.monitor.fault import Subject
from mdmp.monitor.finalize.folder import default_folder
for variables in ({"LOCALAPPDATA": "C:\\L"}, {"USERPROFILE": "C:\\U"}):
    print(default_folder(Subject(1, "shop.exe", None, None, variables)))
"""
RACE = r"""
import sys, time
sys.path.insert(0, sys.argv[1])
from keeping import keep
print("ready", flush=True)
sys.stdin.readline()
outcome = keep(sys.argv[2], mark=int(sys.argv[3]), log=False, count=int(sys.argv[4]))
print(outcome.saved and outcome.saved.path, outcome.problem, outcome.notes)
"""

LAST_STEP = r"""
import os, sys
from mdmp.dumpfile.part_file import PartFile, remove_dead_parts
folder = sys.argv[1]
dead, replace = os.path.join(folder, "b.dmp.12-ab.part"), os.replace
open(dead, "wb").close()
os.utime(dead, (1, 1))
def others_first(*paths):
    remove_dead_parts(folder)
    replace(*paths)
os.replace = others_first
with PartFile(os.path.join(folder, "a.dmp")) as part:
    remove_dead_parts(folder)
    part.commit(b"MDMP", 4, lambda path: None)
"""


def keep(windows: Wine, folder: Path, **settings: object) -> list[tuple[str | None, str | None, list[str]]]:
    here = Wine.path(Path(__file__).resolve().parent)
    done = windows.run_python("-c", KEEP, here, Wine.path(folder), json.dumps(settings))
    assert done.returncode == 0, done.stderr
    return [tuple(outcome) for outcome in json.loads(done.stdout)]


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if entry.name != ".mdmp-history"}


def test_dumps_in_a_folder(windows: Wine, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "dumps"
    outcomes = keep(windows, folder, log=True, count=2, report=True, name="{program}.{pid}.dmp")
    assert [path for path, *_ in outcomes] == [
        Wine.path(folder / name) for name in ("shop.4711.dmp", "shop.4711.2.dmp", "shop.4711.3.dmp")
    ]
    assert [problem for _, problem, _ in outcomes] == [None] * 3
    assert outcomes[2][2] == [
        "old dumps removed: shop.4711.dmp",
        f"report: {Wine.path(folder / 'shop.4711.3.dmp.txt')}",
    ]
    kept = {"shop.4711.2.dmp", "shop.4711.3.dmp"}
    assert names(folder) == kept | {f"{name}.txt" for name in kept}
    found = mdmp.open_dump(folder / "shop.4711.3.dmp")
    assert found.issues == () and found.threads and found.threads[0].tid == 3


def test_dumps_of_the_system_are_counted(windows: Wine, tmp_path: Path) -> None:
    """Windows Error Reporting's, whose names tell no time."""
    old = tmp_path / "app.exe.12.dmp"
    old.write_bytes(b"MDMP\x93\xa7\0\0")
    os.utime(old, (1, 1))
    assert [notes for *_, notes in keep(windows, tmp_path, log=False, count=3)] == [
        [],
        [],
        ["old dumps removed: app.exe.12.dmp"],
    ]


def test_the_folder_of_a_user(windows: Wine) -> None:
    done = windows.run_python("-c", FOLDERS)
    assert done.stdout.split() == [r"C:\L\CrashDumps", r"C:\U\AppData\Local\CrashDumps"], done.stderr


def test_many_at_the_same_moment(windows: Wine, tmp_path: Path) -> None:
    here = Wine.path(Path(__file__).resolve().parent)
    arguments = ("wine", str(windows.python), "-c", RACE, here, Wine.path(tmp_path))
    children = [windows.spawn(*arguments, str(mark), "6") for mark in range(1, 7)]
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    told = [child.communicate(timeout=60)[0] for child in children]
    assert all(text.strip().endswith("None ()") for text in told), told
    assert len(names(tmp_path)) == 6
    marks = {mdmp.open_dump(path).threads[0].tid for path in tmp_path.glob("*.dmp")}
    assert marks == set(range(1, 7))


def test_a_dump_is_not_removed_while_it_gets_its_name(windows: Wine, tmp_path: Path) -> None:
    """It has to be closed for that, and another writer may look for what the dead have left."""
    done = windows.run_python("-c", LAST_STEP, Wine.path(tmp_path))
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == {"a.dmp"}


def test_a_message_to_the_user(windows: Wine, tmp_path: Path) -> None:
    """Wine may not have the call; then that is told, and the dump is there."""
    for path, problem, _ in keep(windows, tmp_path, log=False, notice=["desktop"]):
        assert path is not None and problem is None


def test_the_source_of_events(windows: Wine) -> None:
    done = windows.run_python("-c", SOURCE)
    assert done.returncode == 0, done.stderr
    file, kinds = json.loads(done.stdout)
    assert file == ["%SystemRoot%\\System32\\EventCreate.exe", 2]
    assert kinds == [7, 4]
