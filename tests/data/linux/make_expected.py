"""Writes expected.json: what llvm-symbolizer and llvm-dwarfdump 22 say about every code address of the programs here.

Shape: {"texts": […], program: {"lookups": [[start, end, [[linkage name or name, file, line], …innermost first]], …],
"rows": [[start, end, "CFA=RSP+8: RIP=[CFA-8]"], …]}, …}. Names and files are indexes into `texts`. Runs of equal
answers are one entry, addresses without an answer are left out. `[start, end)` are addresses as linked.
"""

import json
import re
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAMS = (
    *("clang5_amd64", "clang4_amd64", "clang5_arm64", "clang4_arm", "clang5_x86"),
    *("gcc5_amd64", "gcc4_amd64", "gcc2_amd64", "gcc64bit_amd64", "types_amd64", "split_amd64"),
)
texts: dict[str, int] = {}


def index(text: str) -> int:
    return texts.setdefault(text, len(texts))


def run(*command: str, text: str = "") -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=FOLDER).stdout


def code(program: str) -> tuple[int, int]:
    """[start, end) of .text."""
    row = re.search(r"\.text +PROGBITS +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+)", run("readelf", "-SW", program))
    assert row
    return int(row[1], 16), int(row[1], 16) + int(row[2], 16)


def lookups(program: str) -> list[list[object]]:
    start, end = code(program)
    asked = "\n".join(map(hex, range(start, end)))
    options = ("--output-style=JSON", "-f=linkage", "--no-demangle")
    answers = run("llvm-symbolizer-22", f"--obj={program}", *options, text=asked).splitlines()
    found: list[list[object]] = []
    for address, line in zip(range(start, end), answers, strict=True):
        frames = [
            [symbol["FunctionName"], symbol["FileName"], symbol["Line"]]
            for symbol in json.loads(line).get("Symbol", [])
        ]
        if frames == [["", "", 0]]:
            continue
        frames = [[index(name), index(file), number] for name, file, number in frames]
        if found and found[-1][1] == address and found[-1][2] == frames:
            found[-1][1] = address + 1
        else:
            found.append([address, address + 1, frames])
    return found


def rows(program: str) -> list[list[object]]:
    dump = run("llvm-dwarfdump-22", "--eh-frame", program)
    found: list[list[object]] = []
    end = 0
    for line in dump.splitlines():
        head = re.search(r" FDE .*pc=([0-9a-f]+)\.\.\.([0-9a-f]+)", line)
        row = re.match(r"  0x([0-9a-f]+): (CFA=.*)", line)
        if head:
            end = int(head[2], 16)
        elif row:
            at = int(row[1], 16)
            if found and found[-1][1] == end and found[-1][0] < at < end:
                found[-1][1] = at
            found.append([at, end, row[2]])
    return found


if __name__ == "__main__":
    table = {program: {"lookups": lookups(program), "rows": rows(program)} for program in PROGRAMS}
    lines = ['"texts": [\n' + ",\n".join(map(json.dumps, texts)) + "]"]
    for program, part in table.items():
        inner = ",\n".join(
            f' "{key}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "]"
            for key, value in part.items()
        )
        lines.append(f'"{program}": {{\n{inner}}}')
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
