"""Whole outputs for our own dumps, as a person would see them, in the folder `expected`.

`MDMP_UPDATE_GOLDEN=1` writes them anew: read the difference before it is committed.
"""

import json
import os
from pathlib import Path

import pytest

from mdmp import __version__
from mdmp.cli.__main__ import main

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = Path(__file__).parent / "expected"
SOURCE = ("--source", "tests/data/windows/src")

CASES = {
    "null_write_x64.txt": ("null_write_x64.dmp", *SOURCE),
    "null_write_x64.json": ("null_write_x64.dmp", "--json"),
    "null_write_x86.txt": ("null_write_x86.dmp", "--all-threads"),
    "cpp_throw_x64.md": ("cpp_throw_x64.dmp", "--markdown", *SOURCE),
    "cpp_throw_x86.txt": ("cpp_throw_x86.dmp", *SOURCE),
    "cpp_throw_full_x64.txt": ("cpp_throw_full_x64.dmp.xz",),
    "deep_inline_x64.html": ("deep_inline_x64.dmp", "--html", *SOURCE),
    "deadlock_x64.txt": ("deadlock_x64.dmp", "--all-threads"),
    "fast_fail_x64.brief.txt": ("fast_fail_x64.dmp", "--brief"),
    "stack_overflow_x64.txt": ("stack_overflow_x64.dmp.xz", "--images", "tests/data/windows"),
    "wild_jump_x86.txt": ("wild_jump_x86.dmp",),
}


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_agreed(name, windows_dump, monkeypatch, capsys):
    dump, *options = CASES[name]
    monkeypatch.chdir(ROOT)
    for variable in ("_NT_SYMBOL_PATH", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    path = windows_dump(dump)
    assert main(["analyze", os.path.relpath(path) if path.is_relative_to(ROOT) else str(path), *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    out = out.replace(f'"version": "{__version__}"', '"version": "VERSION"').replace(str(path.parent), "UNPACKED")
    if os.sep == "\\":
        for folder in ("tests\\data\\windows", "UNPACKED\\"):
            out = out.replace(folder.replace("\\", "\\\\"), folder.replace("\\", "/"))
            out = out.replace(folder, folder.replace("\\", "/"))
    golden = GOLDEN / name
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
