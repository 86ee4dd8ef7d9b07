"""Whole outputs for our own dumps, as a person would see them.

`MDMP_UPDATE_GOLDEN=1` writes them anew: read the difference before it is committed.
"""

import json
import os
from pathlib import Path

import pytest

from mdmp import __version__
from mdmp.cli.__main__ import main

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCE = ("--source", "tests/data/windows/src")

CASES = {
    "null_write_x64.txt": ("null_write_x64", *SOURCE),
    "null_write_x64.json": ("null_write_x64", "--json"),
    "null_write_x86.txt": ("null_write_x86", "--all-threads"),
    "cpp_throw_x64.md": ("cpp_throw_x64", "--markdown", *SOURCE),
    "cpp_throw_x86.txt": ("cpp_throw_x86", *SOURCE),
    "deep_inline_x64.html": ("deep_inline_x64", "--html", *SOURCE),
    "deadlock_x64.txt": ("deadlock_x64", "--all-threads"),
    "fast_fail_x64.brief.txt": ("fast_fail_x64", "--brief"),
}


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_agreed(name, monkeypatch, capsys):
    dump, *options = CASES[name]
    monkeypatch.chdir(ROOT)
    for variable in ("_NT_SYMBOL_PATH", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    assert main(["analyze", f"tests/data/windows/{dump}.dmp", *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    out = out.replace(f'"version": "{__version__}"', '"version": "VERSION"')
    if os.sep == "\\":
        out = out.replace("tests\\\\data\\\\windows", "tests/data/windows").replace(
            "tests\\data\\windows", "tests/data/windows"
        )
    golden = HERE / name
    if os.environ.get("MDMP_UPDATE_GOLDEN"):
        golden.write_text(out, encoding="utf-8", newline="\n")
    assert out == golden.read_text(encoding="utf-8")


def test_the_documented_example_is_real(monkeypatch, capsys):
    """Every key and value of the example in `docs/json.md` is in what the command prints."""
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert main(["analyze", "--json", "tests/data/windows/null_write_x64.dmp", *SOURCE]) == 0
    assert_contains(json.loads(capsys.readouterr().out), example)


def assert_contains(actual, example):
    if isinstance(example, dict):
        for key, value in example.items():
            assert_contains(actual[key], value)
    elif isinstance(example, list):
        for i, value in enumerate(example):
            assert_contains(actual[i], value)
    else:
        assert actual == example
