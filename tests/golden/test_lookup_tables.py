"""`mdmp lookup` against the tables of our own programs, which llvm-symbolizer and LLDB made."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"
TABLES = sorted((FOLDER / "lookups").glob("*.jsonl"))


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_command_answers_as_the_table(table: Path) -> None:
    wanted = [json.loads(line) for line in table.read_text().splitlines()]
    asked = "".join(f"{entry['address']}\n" for entry in wanted)
    command = [sys.executable, "-m", "mdmp", "lookup", "--json", str(FOLDER / table.stem), "-"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["address"] for answer in answers] == [entry["address"] for entry in wanted]
    decided = [(answer, entry) for answer, entry in zip(answers, wanted, strict=True) if not entry.get("open")]
    assert len(decided) > 100
    for answer, entry in decided:
        assert_same(answer["frames"], entry["frames"], entry)


def assert_same(frames: list[dict[str, Any]], wanted: list[dict[str, Any]], entry: Any) -> None:
    assert len(frames) == len(wanted), entry
    for frame, want in zip(frames, wanted, strict=True):
        assert (frame["file"], frame["line"], frame["inline"]) == (want["file"], want["line"], want["inline"]), entry
        assert frame["function"] in {want["function"], *want.get("aliases", ())}, entry


def test_the_tables_are_all_there() -> None:
    programs = {path.stem for path in TABLES}
    with_pdb = {path.stem for path in FOLDER.glob("*.pdb")}
    assert {re.sub(r"\.\w+$", "", program) for program in programs} == with_pdb
