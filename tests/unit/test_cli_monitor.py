"""What the commands around capture say and name."""

import argparse
from datetime import UTC, datetime

import pytest

from mdmp.cli import status
from mdmp.cli.capture import default_name
from mdmp.monitor import install


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
