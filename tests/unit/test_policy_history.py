"""The memory of dumps: counts right, stays small, and survives what others put in its place."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.policy.history import MAX_SIZE, NAME, count_of, record

DAY = 86400.0


def fault(name: str = "shop", kind: str = "abort", code: int | None = 6, place: str = "") -> Fault:
    return Fault(kind, Subject(1, f"/bin/{name}"), "", code=code, place=place)


def test_only_the_same_fault_within_a_day_counts(tmp_path: Path) -> None:
    folder = str(tmp_path)
    record(folder, fault(), 1000.0)
    record(folder, fault(), 2000.0)
    for other in (fault("bank"), fault(kind="hang"), fault(code=11), fault(place="libc.so.6+0x10"), fault(code=None)):
        record(folder, other, 2000.0)
        assert count_of(folder, other, 2001.0) == 1
    assert count_of(folder, fault(), 2001.0) == 2
    assert count_of(folder, fault(), 1500.0 + DAY) == 1
    assert count_of(folder, fault(), 3000.0 + DAY) == 0


def test_a_clock_that_was_wrong_does_not_silence_us_for_ever(tmp_path: Path) -> None:
    record(str(tmp_path), fault(), 1e9)
    assert count_of(str(tmp_path), fault(), 1e9 - 2 * DAY) == 0


def test_it_stays_small_and_keeps_the_latest(tmp_path: Path) -> None:
    for number in range(3000):
        record(str(tmp_path), fault(place=f"x+{number:#x}"), float(number))
    path = tmp_path / NAME
    assert path.stat().st_size <= MAX_SIZE + 256
    assert [entry.name for entry in tmp_path.iterdir()] == [NAME]
    assert count_of(str(tmp_path), fault(place=f"x+{2999:#x}"), 3000.0) == 1
    assert count_of(str(tmp_path), fault(place="x+0x0"), 3000.0) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\0" * 1000,
        b"[" * 100_000,
        b'[1e999, 2]\n[NaN]\n{}\n[]\nnull\n5\n"x"\n',
        json.dumps(["x", "shop", "abort", 6, ""]).encode() + b"\n",
        json.dumps([1000, "shop", "abort", 6, ""]).encode(),
        b"[" + b"9" * 10_000 + b", 1]\n",
    ],
)
def test_what_is_no_line_of_ours_does_not_count(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert count_of(str(tmp_path), fault(), 1000.0) == 0
    record(str(tmp_path), fault(), 1000.0)
    record(str(tmp_path), fault(), 1000.0)
    assert count_of(str(tmp_path), fault(), 1000.0) >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as Unix has them")
def test_what_others_put_in_its_place(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("untouched")
    (tmp_path / NAME).symlink_to(target)
    record(str(tmp_path), fault())
    assert target.read_text() == "untouched"
    assert count_of(str(tmp_path), fault()) == 0
    (tmp_path / NAME).unlink()
    os.mkfifo(tmp_path / NAME)
    record(str(tmp_path), fault())
    assert count_of(str(tmp_path), fault()) == 0
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    record(str(tmp_path), fault())
    assert count_of(str(tmp_path), fault()) == 0


def test_no_folder(tmp_path: Path) -> None:
    record(str(tmp_path / "none"), fault())
    assert count_of(str(tmp_path / "none"), fault()) == 0


def test_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: record(str(tmp_path), fault(), 1000.0), range(200)))
    assert count_of(str(tmp_path), fault(), 1000.0) == 200
