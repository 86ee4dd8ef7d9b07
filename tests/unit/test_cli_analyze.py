import json
import os

import pytest
from command import assert_refused, mdmp

from mdmp.cli import common
from mdmp.cli.progress import Progress


@pytest.fixture
def dump(data):
    return data / "windows" / "null_write_x64.dmp"


@pytest.fixture
def folder(dump, tmp_path):
    """Two good dumps, one that is none, and a file that does not count as a dump."""
    for name in ("a.dmp", "B.DMP"):
        (tmp_path / name).write_bytes(dump.read_bytes())
    (tmp_path / "bad.dmp").write_bytes(b"not a dump at all")
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


def test_text_names_reason_and_line(dump):
    result = mdmp("analyze", dump)
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith("write to a null pointer")
    assert "customer.h:10" in result.out
    assert "\x1b" not in result.out


def test_json_is_one_indented_object(dump):
    out = mdmp("analyze", "--json", dump).out
    report = json.loads(out)
    assert out.count("\n") > 20
    assert report["crash_info"]["type"] == "EXCEPTION_ACCESS_VIOLATION_WRITE"
    assert report["mdmp"]["blame"]["line"] == 10


def test_other_forms(dump, tmp_path):
    assert mdmp("analyze", "--markdown", dump).out.startswith("### write to a null pointer")
    page = tmp_path / "page.html"
    assert mdmp("analyze", "--html", "-o", page, dump) == (0, "", "")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert os.listdir(tmp_path) == ["page.html"]


def test_source_lines(dump, data):
    assert ">" not in mdmp("analyze", dump).out.split("Why")[0]
    assert "> 10 |" in mdmp("analyze", dump, "--source", data / "windows" / "src").out


def test_brief_and_frames(dump):
    assert 3 <= len(mdmp("analyze", "--brief", dump).out.splitlines()) <= 6
    report = json.loads(mdmp("analyze", "--json", "--max-frames", "2", dump).out)
    assert len(report["threads"][0]["frames"]) == 2 < report["threads"][0]["frame_count"]


def test_a_bad_file_is_one_line(tmp_path):
    bad = tmp_path / "bad.dmp"
    bad.write_bytes(b"hello")
    assert_refused(mdmp("analyze", bad), "bad.dmp")
    assert_refused(mdmp("analyze", tmp_path / "none.dmp"), "none.dmp")
    bad.write_bytes(b"")
    assert_refused(mdmp("analyze", bad), "empty")
    assert_refused(mdmp("analyze", "--json", "--html", bad), "--html")
    assert_refused(mdmp("analyze", "--max-frames", "0", bad), "--max-frames")
    bad.unlink()
    assert_refused(mdmp("analyze", tmp_path), "*.dmp")


@pytest.mark.parametrize("jobs", [1, 2])
def test_several_files_as_json_lines(folder, jobs):
    result = mdmp("analyze", "--json", "--jobs", jobs, folder)
    assert result.code == 2, "the worst of the files"
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["status"] for line in lines] == ["OK", "OK", "ERROR"]
    assert [os.path.basename(line["mdmp"]["dump"]["path"]) for line in lines] == ["B.DMP", "a.dmp", "bad.dmp"]
    assert "bad.dmp" in lines[2]["mdmp"]["problem"]
    assert result.err.count("\n") == 1


def test_several_files_as_text_and_pages(folder, tmp_path):
    text = mdmp("analyze", "--brief", folder).out
    heads = [line for line in text.splitlines() if line.startswith("==== ")]
    assert [os.path.basename(head) for head in heads] == ["B.DMP", "a.dmp", "bad.dmp"]
    page = mdmp("analyze", "--html", folder / "a.dmp", folder / "bad.dmp").out
    assert page.count("<article>") == 2
    assert page.count("</html>") == 1
    assert mdmp("analyze", "--markdown", folder / "a.dmp", folder / "bad.dmp").out.count("\n## ") >= 1


def test_nothing_to_conclude(tmp_path):
    """A header and an empty directory: a dump, but of nothing."""
    empty = tmp_path / "empty.dmp"
    empty.write_bytes(b"MDMP" + bytes.fromhex("93a70000 00000000 20000000".replace(" ", "")) + bytes(16))
    result = mdmp("analyze", empty)
    assert result.code == 1
    assert result.err == ""
    assert json.loads(mdmp("analyze", "--json", empty).out)["threads"] == []


def test_unwritable_output(dump, tmp_path):
    assert_refused(mdmp("analyze", dump, "-o", tmp_path / "no" / "folder.txt"), "cannot write", "folder.txt")


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("choice", "env", "terminal", "colours"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours(choice, env, terminal, colours, monkeypatch, tmp_path):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with (tmp_path / "file").open("w") as file:
        assert common.use_color(choice, Terminal() if terminal else file) is colours


def test_progress_is_for_terminals(capsys):
    progress = Progress()
    progress("working")
    progress.clear()
    assert capsys.readouterr() == ("", "")
