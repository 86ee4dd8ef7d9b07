"""Dumps that somebody else writes into our file."""

import os
from pathlib import Path

import pytest

import mdmp
from mdmp.cli.__main__ import main
from mdmp.dumpfile.save_foreign import save_foreign


def test_a_good_dump_gets_its_name(data: Path, tmp_path: Path) -> None:
    raw = (data / "windows" / "null_read_x86.dmp").read_bytes()
    saved = save_foreign(tmp_path / "a.dmp", lambda file: os.write(file, raw) and None)
    assert (tmp_path / "a.dmp").read_bytes() == raw
    assert saved.size == len(raw)
    assert saved.memory == sum(size for _, size in mdmp.open_dump(tmp_path / "a.dmp").memory.ranges)
    assert [path.name for path in tmp_path.iterdir()] == ["a.dmp"]


@pytest.mark.parametrize("raw", [b"", b"MDMP", bytes(4096)])
def test_what_is_no_dump_leaves_nothing(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(mdmp.SaveError):
        save_foreign(tmp_path / "a.dmp", lambda file: os.write(file, raw) and None)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(file: int) -> None:
        os.write(file, b"MDMP")
        raise OSError(5, "MiniDumpWriteDump: Access denied")

    with pytest.raises(mdmp.SaveError, match="MiniDumpWriteDump: Access denied"):
        save_foreign(tmp_path / "a.dmp", write)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has it")
def test_only_windows_has_dbghelp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "1", "--writer", "dbghelp", "-o", str(tmp_path / "a.dmp")]) == 2
    assert "only Windows has MiniDumpWriteDump" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
