"""Dumps of ours that stop early: what can be said is said, and nothing is claimed about what is gone."""

from pathlib import Path

import pytest

import mdmp
from mdmp.cli.__main__ import main

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"


@pytest.mark.parametrize("name", ["null_write_x64", "fast_fail_x86", "named_threads_x64", "cpp_throw_x86"])
def test_a_dump_cut_anywhere(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (FOLDER / f"{name}.dmp").read_bytes()
    full = mdmp.analyze(mdmp.open_dump(FOLDER / f"{name}.dmp"))
    dump = tmp_path / "cut.dmp"
    lost = 0
    for part in range(1, 40):
        dump.write_bytes(whole[: len(whole) * part // 40])
        try:
            snapshot = mdmp.open_dump(dump)
        except mdmp.UnusableInputError as problem:
            assert part < 3, problem
            continue
        report = mdmp.analyze(snapshot, images=[FOLDER])
        assert report.issues
        assert not report.crash.requested, "there was a crash, whether its record is whole or not"
        assert "no-crash" not in [finding.kind for finding in report.findings]
        if snapshot.exceptions:
            assert report.crash.code == full.crash.code
        else:
            lost += 1
            assert (report.crash.code, report.failure_bucket_id) == (None, None)
            assert "damaged" in report.crash.title
        for form in ("--brief", "--json", "--markdown", "--html"):
            assert main(["analyze", form, str(dump), "--images", str(FOLDER)]) in (0, 1)
        assert capsys.readouterr().err == ""
    assert lost > 3
