"""Symbol files of other projects: what their tests assert, and a plain reading of every file line by line."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdmp.arch import X86
from mdmp.formats.breakpad import SymFile, records
from mdmp.unwind.stack_cfi import apply_stack_cfi

READERS = {"File": records.read_file, "Function": records.read_func, "Line": records.read_line}


def cases(corpus: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted((corpus / "cases").glob("*.json")):
        if f'"kind": "{kind}"' in path.read_text()[:400]:
            yield json.loads(path.read_text())


def test_records_accepted_and_refused(corpus: Path) -> None:
    asked = 0
    for case in cases(corpus, "sym-lines"):
        for kind, lines in case["expected"].items():
            for entry in lines:
                asked += 1
                assert (READERS[kind](entry["line"].encode()) is not None) == entry["valid"], entry
    assert asked > 20


def test_asserted_lookups(corpus: Path) -> None:
    asked = 0
    for case in cases(corpus, "sym"):
        file = SymFile.open(corpus / case["file"])
        assert bool(file.issues) == case["expected"].get("corrupt", False)
        for entry in case["expected"].get("lookups", ()):
            asked += 1
            check_lookup(file, entry)
    assert asked >= 10


def check_lookup(file: SymFile, entry: dict[str, Any]) -> None:
    rva = int(entry["address"], 16)
    frames = file.lookup(rva)
    outer = frames[-1] if frames else None
    if "function" in entry:
        assert (outer.function if outer else None) == entry["function"], entry
    for key in ("file", "line"):
        if key in entry:
            assert outer and getattr(outer, key) == entry[key], entry
    if "function_base" in entry:
        assert outer and outer.start == int(entry["function_base"], 16)
    expected = entry.get("inlined_innermost_first", [])
    assert [(f.function, f.start, f.file, f.line) for f in frames[:-1]] == [
        (f["function"], int(f["function_base"], 16), f["file"], f["line"]) for f in expected
    ]
    if "stack_cfi" in entry:
        assert file.cfi(rva) is entry["stack_cfi"]
    if "stack_win" in entry:
        win, told = file.stack_win(rva), entry["stack_win"]
        if told is None:
            assert win is None
            assert not frames or frames[-1].size == 0
        elif told["type"] == 4:
            assert win and win.type == 4 and win.allocates_base_pointer is told["allocates_base_pointer"]
            assert win.program == told.get("program", win.program)
        else:
            assert win is None
            assert file.parameter_size(rva) == 8


def test_asserted_register_recovery(corpus: Path) -> None:
    asked = 0
    for case in cases(corpus, "sym"):
        cfi = case["expected"].get("cfi")
        if not cfi:
            continue
        file = SymFile.open(corpus / case["file"])
        word = memory_of(cfi)
        expected = {name: int(value, 16) for name, value in cfi["expected_caller"].items()}
        expected = {{"cfa": "esp", "ra": "eip"}.get(name, name): value for name, value in expected.items()}
        for entry in cfi["evaluations"]:
            asked += 1
            registers = {name: int(value, 16) for name, value in entry["registers"].items()}
            found = file.cfi(int(entry["address"], 16))
            assert found
            caller = apply_stack_cfi(found.rules, registers, word, X86.saved_windows, X86)
            assert caller == expected, entry
    assert asked == 6


def memory_of(cfi: dict[str, Any]) -> Callable[[int], int]:
    memory = {int(at, 16): int(value, 16) for at, value in cfi["memory32"].items()}
    default = int(cfi["memory_default32"], 16)
    return lambda address: memory.get(address, default)


def test_unwind_tables_of_another_program(corpus: Path) -> None:
    """The records are there, as many as stated, and each is found at its address."""
    asked = 0
    for case in cases(corpus, "unwind"):
        told = case["expected_records"]
        file = SymFile.open(corpus / told["file"])
        lines = (corpus / told["file"]).read_text().splitlines()
        assert sum(line.startswith("STACK ") for line in lines) == told["records"]
        for line in lines:
            words = line.split()
            asked += 1
            if words[1:3] == ["CFI", "INIT"]:
                found = file.cfi(int(words[3], 16))
                assert found and (found.start, found.size) == (int(words[3], 16), int(words[4], 16))
                text = words[5:]
            elif words[1] == "CFI":
                found = file.cfi(int(words[2], 16))
                assert found
                text = words[3:]
            else:
                win = file.stack_win(int(words[3], 16))
                assert win and [win.type, win.start] == [int(words[2], 16), int(words[3], 16)]
                continue
            for register, expression in split_rules(text).items():
                assert found.rules[register] == expression, line
        assert file.issues == ()
    assert asked > 1600


def split_rules(words: list[str]) -> dict[str, tuple[str, ...]]:
    rules = dict[str, tuple[str, ...]]()
    name = ""
    for word in words:
        if word.endswith(":"):
            name = word[:-1]
            rules[name] = ()
        else:
            rules[name] += (word,)
    return rules


class PlainReading:
    """A symbol file read line by line into lists, searched from end to end. It shares nothing with the reader."""

    def __init__(self, path: Path) -> None:
        self.functions: list[dict[str, Any]] = []
        self.files: dict[int, str] = {}
        self.origins: dict[int, str] = {}
        self.cfi: list[tuple[int, int, list[tuple[int, list[str]]]]] = []
        self.win: list[tuple[int, int, int]] = []
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                self.add(line.rstrip("\r\n"))

    def add(self, line: str) -> None:
        words = line.replace(" m ", " ", 1).split(" ") if line.startswith(("FUNC m ", "PUBLIC m ")) else line.split(" ")
        kind = words[0]
        if kind == "FILE":
            self.files.setdefault(int(words[1]), " ".join(words[2:]))
        elif kind == "INLINE_ORIGIN":
            self.origins.setdefault(int(words[1]), " ".join(words[2:]))
        elif kind == "FUNC":
            start, size = int(words[1], 16), int(words[2], 16)
            name = " ".join(words[4:]).strip()
            self.functions.append({"start": start, "end": start + size, "name": name, "lines": [], "inlines": []})
        elif kind == "INLINE":
            depth, line_, file, origin = map(int, words[1:5])
            bounds = [int(word, 16) for word in words[5:]]
            self.functions[-1]["inlines"] += [
                (depth, start, start + size, line_, file, origin)
                for start, size in zip(bounds[::2], bounds[1::2], strict=True)
            ]
        elif words[:3] == ["STACK", "CFI", "INIT"]:
            start = int(words[3], 16)
            self.cfi.append((start, start + int(words[4], 16), [(start, words[5:])]))
        elif words[:2] == ["STACK", "CFI"]:
            self.cfi[-1][2].append((int(words[2], 16), words[3:]))
        elif words[:2] == ["STACK", "WIN"]:
            self.win.append((int(words[2], 16), int(words[3], 16), int(words[4], 16)))
        elif line and kind not in ("MODULE", "INFO", "PUBLIC"):
            start = int(words[0], 16)
            self.functions[-1]["lines"].append((start, start + int(words[1], 16), int(words[2]), int(words[3])))

    def lookup(self, rva: int) -> list[tuple[str | None, str | None, int | None]] | None:
        covering = [f for f in self.functions if f["start"] <= rva < f["end"]]
        if not covering:
            return None
        function = max(reversed(covering), key=lambda f: (f["start"], -f["end"]))
        function = next(f for f in covering if (f["start"], f["end"]) == (function["start"], function["end"]))
        lines = [line for line in function["lines"] if line[0] <= rva < line[1]]
        file, number = (self.files.get(lines[-1][3]), lines[-1][2] or None) if lines else (None, None)
        frames = []
        inlines = sorted(call for call in function["inlines"] if call[1] <= rva < call[2])
        for call in reversed(inlines):
            frames.append((self.origins.get(call[5]), file, number))
            file, number = self.files.get(call[4]), call[3] or None
        return [*frames, (function["name"], file, number)]


def test_every_symbol_file_against_a_plain_reading(corpus: Path) -> None:
    rng = random.Random(11)
    asked = 0
    for path in sorted(corpus.rglob("*.sym")):
        plain, file = PlainReading(path), SymFile.open(path)
        assert file.issues == (), path
        for function in rng.sample(plain.functions, min(60, len(plain.functions))):
            rva = max(0, rng.randrange(function["start"] - 2, function["end"] + 3))
            frames = file.lookup(rva)
            found = [(f.function, f.file, f.line) for f in frames] if frames and frames[-1].source == "FUNC" else None
            assert found == plain.lookup(rva), (path, hex(rva))
            asked += 1
        lowest = min((start for start, _, _ in plain.cfi), default=0)
        for start, end, changes in rng.sample(plain.cfi, min(60, len(plain.cfi))):
            # Code that the linker dropped is described at address 0, all of it in the same place.
            if start == lowest == 0:
                continue
            rva = rng.randrange(start, max(end, start + 1))
            rules = dict[str, tuple[str, ...]]()
            for at, words in changes:
                if at <= rva:
                    rules.update(split_rules(words))
            answer = file.cfi(rva)
            assert answer and answer.rules == rules, (path, hex(rva))
            asked += 1
        for type_, start, size in rng.sample(plain.win, min(60, len(plain.win))):
            best = [win for win in plain.win if win[0] == 4 and win[1] <= start < win[1] + win[2]]
            best = best or [win for win in plain.win if win[0] == 0 and win[1] <= start < win[1] + win[2]]
            answer_win = file.stack_win(start)
            if size and type_ in (0, 4):
                assert answer_win
                assert (answer_win.type, answer_win.start) == max(best, key=lambda win: win[1])[:2]
                asked += 1
    assert asked > 3000


@pytest.mark.parametrize("name", ["test_app.sym"])
def test_counts_that_another_parser_asserts(corpus: Path, name: str) -> None:
    (path,) = corpus.rglob(name)
    file = SymFile.open(path)
    tables = file._tables
    assert len(tables.files.keys) == 6661
    assert len(tables.publics.keys) == 5
    answers = [file.public(rva) for rva in (0x9B07, 0x142E7, 0x23B06, 0xFFFFFFFF)]
    names = ["_NLG_Return", "_NLG_Return", "__from_strstr_to_strchr", "__from_strstr_to_strchr"]
    assert [answer.name for answer in answers if answer] == names
    assert len(set(tables.functions.offsets)) - 1 == 1065
    assert [bool(file.lookup(rva)) for rva in (0x1000, 0x1012, 0x1013)] == [True, True, False]
    assert file.lookup(0x1012)[0].function == "vswprintf"
    win = file.stack_win(0x41B0)
    assert win and win.start == 0x41B0
