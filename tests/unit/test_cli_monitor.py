"""What the commands around capture say and name."""

import argparse
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mdmp.cli import status
from mdmp.cli.capture import default_name
from mdmp.cli.monitoring import add_monitoring_arguments, make_keeper
from mdmp.errors import SaveError
from mdmp.monitor import install

NOBODY = 65534


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("shop", "shop-7-20260102T030405Z.dmp"),
        ("", "process-7-20260102T030405Z.dmp"),
        ("a b/c\n", "a_b_c_-7-20260102T030405Z.dmp"),
        ("con.exe", "_con.exe-7-20260102T030405Z.dmp"),
        (".hidden", "_hidden-7-20260102T030405Z.dmp"),
        pytest.param("\U00020000" * 63, "\U00020000" * 20 + "-7-20260102T030405Z.dmp", id="long"),
    ],
)
def test_names_of_captured_dumps(program: str, name: str) -> None:
    """Harmless, and of a length that every file system takes."""
    assert default_name(program, 7, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == name


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], object]:
    """`-o`, with a policy that says nothing."""
    for variable in ("HOME", "XDG_CONFIG_HOME", "APPDATA", "PROGRAMDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    parser = argparse.ArgumentParser()
    add_monitoring_arguments(parser)
    return lambda path: make_keeper(parser.parse_args(["-o", str(path)]))


@pytest.mark.parametrize("name", ["file", "file/in/it", "file/a.dmp"])
def test_an_output_where_no_dump_can_be_is_told_at_the_start(
    name: str, tmp_path: Path, output: Callable[[Path], object]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match=r"the folder .* cannot be"):
        output(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_an_output_that_is_read_only(output: Callable[[Path], object]) -> None:
    us = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        os.seteuid(us or NOBODY)  # root may write anywhere
        try:
            with pytest.raises(SaveError, match="cannot be written to"):
                output(Path(folder))
        finally:
            os.seteuid(us)


def test_an_output_is_made(tmp_path: Path, output: Callable[[Path], object]) -> None:
    output(tmp_path / "dumps" / "today")
    output(tmp_path / "dumps" / "a.dmp")
    assert [path.name for path in (tmp_path / "dumps").iterdir()] == ["today"]
    assert not list((tmp_path / "dumps" / "today").iterdir())


def test_status_tells_of_crashes_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    crashes = (
        {"time": 0, "pid": 1, "program": "/bin/a", "dump": "/x/a.dmp"},
        {"time": 0, "pid": 2, "program": "/bin/b", "reasons": ["no dump: count is 0", "so it is"]},
        {"pid": 3},
    )
    monkeypatch.setattr(install, "status", lambda: install.Status(True, True, {}, crashes=crashes))
    assert status.run(argparse.Namespace(json=False)) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  1970-01-01 00:00:00  /bin/a (1): /x/a.dmp",
        "  1970-01-01 00:00:00  /bin/b (2): no dump: count is 0; so it is",
        "  ?  ? (3): ?",
    ]
