"""ELF files, MinGW's PE and call-frame tables of other projects; skipped where the corpus is not at hand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mdmp.arch import CPUS, Cpu
from mdmp.binary.window import Window, map_file
from mdmp.formats.dwarf import Dwarf, Row, Sections
from mdmp.formats.elf.elf import Elf

CASES = (
    *("mozilla-basic-full", "samply-example-linux", "samply-simple-debuglink"),
    *("sentry-arm64-cfi", "sentry-crash-debug-zlib", "sentry-linux-crash"),
)


def same(function: str | None, linkage: str | None, wanted: str) -> bool:
    """Names come demangled, or mangled; the name in the source, without its template arguments, is in both."""
    bare = (function or "").split("<")[0].rpartition("::")[2]
    return wanted in (function, linkage) or (bool(bare) and bare.removeprefix("~") in wanted)


@pytest.mark.parametrize("case", CASES)
def test_lookups(corpus: Path, case: str) -> None:
    table: dict[str, Any] = json.loads((corpus / "cases" / f"elf-{case}.json").read_text())
    elf = Elf(map_file(corpus / table["main"]))
    asked = [lookup for lookup in table["lookups"] if "frames" in lookup]
    assert len(asked) > 30
    for lookup in asked:
        frames = elf.lookup(int(lookup["address"], 16))
        assert len(frames) == len(lookup["frames"]), lookup
        for i, (frame, (name, file, line)) in enumerate(zip(frames, lookup["frames"], strict=True)):
            names = (name, *lookup.get("aliases", ()))
            assert any(same(frame.function, frame.linkage_name, n) for n in names), (lookup, frame)
            if line is not None and i not in lookup.get("open", ()):
                assert frame.line == line, (lookup, frame)
                assert frame.file and frame.file.rpartition("/")[2] == table["files"][file].rpartition("/")[2]
        if "start" in lookup:
            assert frames[-1].start == int(lookup["start"], 16)
    assert elf.issues.freeze() == ()


def test_debug_link(corpus: Path) -> None:
    elf = Elf(map_file(corpus / "elf" / "samply-simple-debuglink" / "main"))
    assert elf.debug_link and elf.debug_link.name == "main.dbg"
    assert elf.dwarf is None


STACK_CFI = {
    "elf/mozilla-basic-full/unwind.from-basic.full.txt": "elf/mozilla-basic-full/basic.full",
    "elf/samply-simple-debuglink/unwind.from-main.txt": "elf/samply-simple-debuglink/main",
    "unwind/cfi-elf-arm64/expected.stack.txt": "elf/sentry-arm64-cfi/cfi_test",
    "unwind/cfi-elf-amd64/expected.stack.txt": "elf/sentry-linux-crash/crash",
}
"""What a tool says; the last two are what a test of symbolic's asserts."""


def rules_of(words: list[str]) -> dict[str, str]:
    rules: dict[str, str] = {}
    for word in words:
        if word.endswith(":"):
            register = word[:-1]
            rules[register] = ""
        else:
            rules[register] = f"{rules[register]} {word}".strip()
    return rules


def as_rules(row: Row, cpu: Cpu) -> dict[str, str]:
    """A row as STACK CFI writes it."""
    sigil = "$" if cpu.name == "amd64" else ""
    rules = {".cfa": f"{sigil}{cpu.dwarf[row.cfa.register]} {row.cfa.offset} +"}
    for number, saved in row.registers.items():
        if saved.kind == "at":
            name = ".ra" if number == row.return_register else sigil + cpu.dwarf[number]
            rules[name] = f".cfa {saved.value} + ^"
        else:
            assert saved.kind == "undefined"  # the outermost function, which the text leaves out
    if cpu.lr:
        rules.setdefault(".ra", cpu.lr)
    return rules


@pytest.mark.parametrize("text", STACK_CFI)
def test_unwind_rules(corpus: Path, text: str) -> None:
    """STACK CFI cannot take a rule back, so after DW_CFA_restore it says more than the row."""
    elf = Elf(map_file(corpus / STACK_CFI[text]))
    cpu = CPUS[elf.machine]
    spans: list[tuple[int, int, dict[str, str]]] = []
    for line in (corpus / text).read_text().splitlines():
        if not line.startswith("STACK CFI "):
            continue
        words = line.split()[2:]
        if words[0] == "INIT":
            start, end = int(words[1], 16), int(words[1], 16) + int(words[2], 16)
            rules = rules_of(words[3:])
            spans.append((start, end, dict(rules)))
        else:
            at = int(words[0], 16)
            spans[-1] = (spans[-1][0], at, spans[-1][2])
            rules.update(rules_of(words[1:]))
            spans.append((at, end, dict(rules)))
    assert len(spans) > 10
    checked = 0
    for start, end, rules in spans:
        for address in range(start, end):
            row = elf.row(elf.load_address + address)
            assert row is not None
            if row.cfa.expression is None:  # .plt; the tool simplified it
                mine = as_rules(row, cpu)
                assert mine[".cfa"] == rules[".cfa"], hex(address)
                taken_back = {name for name in rules if name not in mine}
                same_rules = {name: rule for name, rule in rules.items() if name not in taken_back and name != ".ra"}
                assert {name: rule for name, rule in mine.items() if name != ".ra"} == same_rules, hex(address)
                if mine.get(".ra") != rules.get(".ra"):
                    assert mine.get(".ra", "") in ("", "x30"), hex(address)
                checked += 1
    assert checked > 0.9 * sum(end - start for start, end, _ in spans)


def pe_sections(image: bytes) -> dict[str, Window]:
    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(image[at : at + size], "little")

    at = number(0x3C)
    strings = number(at + 12) + 18 * number(at + 16)
    found = {}
    for i in range(number(at + 6, 2)):
        head = at + 24 + number(at + 20, 2) + 40 * i
        name = image[head : head + 8].rstrip(b"\0")
        if name[:1] == b"/":
            where = strings + int(name[1:])
            name = image[where : image.index(b"\0", where)]
        text = name.decode()
        found[text] = Window(image, text, number(head + 20), min(number(head + 8), number(head + 16)))
    return found


def test_dwarf_in_a_pe(corpus: Path) -> None:
    folder = corpus / "pdb" / "mozilla-basic64-dwarf"
    image = (folder / "basic64-dwarf.dll").read_bytes()
    base = int.from_bytes(image[(at := int.from_bytes(image[0x3C:0x40], "little")) + 48 : at + 56], "little")
    dwarf = Dwarf(Sections.of(pe_sections(image)), base + 0x1000)
    files: dict[int, str] = {}
    function, start, size, checked = "", 0, 0, 0
    for line in (folder / "basic64-dwarf.expected.sym").read_text().splitlines():
        words = line.split(" ")
        if words[0] == "FILE":
            files[int(words[1])] = line.split(" ", 2)[2]
        elif words[0] == "FUNC":
            function, start, size = line.split(" ", 4)[4], base + int(words[1], 16), int(words[2], 16)
        elif re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ \d+ \d+", line):  # functions without lines come from COFF symbols
            frame = dwarf.lookup(base + int(words[0], 16))[-1]
            assert (frame.function, frame.start, frame.size) == (function, start, size)
            assert (frame.line or 0) == int(words[2]), line
            assert (frame.file or "").rpartition("/")[2] == files[int(words[3])].rpartition("/")[2], line
            checked += 1
    assert checked > 300
    assert dwarf.issues.freeze() == ()
