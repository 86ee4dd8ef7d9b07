"""What the documentation and the examples show is what happens."""

import csv
import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import mdmp

from mdmp.cli.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("page", ["docs/api.md"])
def test_the_pages(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    options = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
    failed, tried = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=options, encoding="utf-8")
    assert tried > 20
    assert failed == 0


def sessions(text):
    """(command, output) of each `$ mdmp` in a page's indented blocks. Left out: lines by "...", a rest by "  ..."."""
    found = []
    inside = False
    for line in text.splitlines():
        if line.startswith("    $ mdmp "):
            found.append((line[len("    $ mdmp ") :].split(), []))
            inside = True
        elif inside and (line.startswith("    ") or not line):
            found[-1][1].append(line[4:])
        else:
            inside = False
    return [(command, "\n".join(lines).strip("\n") + "\n") for command, lines in found]


@pytest.mark.parametrize(("command", "shown"), sessions((ROOT / "README.md").read_text(encoding="utf-8")))
def test_the_readme_shows_what_is_printed(command, shown, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = mdmp(*command)
    assert result.code == 0
    wanted = "".join(
        "(?:.*\n)*?" if line == "..." else re.escape(line).replace(re.escape("  ..."), ".*") + "\n"
        for line in shown.splitlines()
    )
    assert re.fullmatch(wanted, result.out.rstrip("\n") + "\n"), result.out


def test_the_pages_lead_somewhere():
    """Every page is in the README's table, every command in cli.md, and no link inside the repository is dead."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + list(ROOT.glob("docs/*.md"))
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), (page.name, link)
    commands = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert [name for name, _, _ in COMMANDS if not re.search(rf"mdmp [a-z|]*\b{name}\b", commands)] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name})" not in readme] == []


def example(name, *arguments):
    command = [sys.executable, "-W", "error", f"examples/{name}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_print_stack():
    lines = example("print_stack.py", "tests/data/windows/null_write_x64.dmp")
    assert lines[0] == "write to a null pointer (address 0x18)"
    assert lines[1] == r"    shop::LoyaltyAccount::add  C:\shop\customer.h:10  (inlined)"
    assert r"shop.exe!shop::OrderDesk::process_order  C:\shop\shop.cpp:31  [context]" in lines[4]


def test_triage():
    rows = list(csv.DictReader(example("triage.py", "tests/data/windows")))
    dumps = len(list((ROOT / "tests" / "data" / "windows").glob("*.dmp")))
    assert sum(int(row["count"]) for row in rows) == dumps
    assert (rows[0]["count"], rows[0]["function"], rows[0]["line"]) == ("2", "shop::LoyaltyAccount::add", "10")


def test_read_struct():
    lines = example("read_struct.py", "tests/data/windows/null_write_x64.dmp")
    assert lines == ["order 1002, customer 0x0", "  1 for 39.00 each", "  1 for 4.50 each"]


def test_every_example_is_tried():
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {"print_stack.py", "triage.py", "read_struct.py"}
