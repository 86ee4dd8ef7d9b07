"""Writes expected.json: what llvm-symbolizer, llvm-objdump and llvm-readobj 22 say about the images here.

Shape: {"texts": […], "IMAGE CPU": {"uuid": …, "code": [start, end], "lookups": [[start, end, [[linkage name or name,
file, line], …innermost first]], …], "symbols": [[start, end, name], …], "unwind": [[start, encoding], …]}, …}. Names
and files of look-ups are indexes into `texts`. Runs of equal answers are one entry, addresses without an answer are
left out. `[start, end)` are addresses as linked; those of `unwind` are relative to the image's base.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
IMAGES = (("frames", "amd64", "x86_64"), ("libframes.dylib", "amd64", "x86_64"), ("libframes.dylib", "arm64", "arm64"))
texts: dict[str, int] = {}


def index(text: str) -> int:
    return texts.setdefault(text, len(texts))


def run(*command: str, text: str = "", where: Path = FOLDER) -> str:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=where).stdout


def answers(image: str, arch: str, start: int, end: int, where: Path) -> list[list[tuple[str, str, int]]]:
    asked = "\n".join(map(hex, range(start, end)))
    options = ("--output-style=JSON", "-f=linkage", "--no-demangle", f"--default-arch={arch}")
    lines = run("llvm-symbolizer-22", f"--obj={image}", *options, text=asked, where=where).splitlines()
    found = []
    for line in lines:
        symbols = json.loads(line).get("Symbol", [])
        frames = [(s["FunctionName"], s["FileName"], s["Line"]) for s in symbols]
        found.append([] if frames == [("", "", 0)] else frames)
    return found


def runs(start: int, values: list[object]) -> list[list[object]]:
    found: list[list[object]] = []
    for address, value in enumerate(values, start):
        if not value:
            continue
        if found and found[-1][1] == address and found[-1][2] == value:
            found[-1][1] = address + 1
        else:
            found.append([address, address + 1, value])
    return found


def table(image: str, arch: str) -> dict[str, object]:
    headers = run("llvm-objdump-22", "--macho", f"--arch={arch}", "--private-headers", image)
    uuid = re.search(r"uuid ([0-9A-F-]+)", headers)
    text = re.search(r"sectname __text\n +segname __TEXT\n +addr 0x([0-9a-f]+)\n +size 0x([0-9a-f]+)", headers)
    assert uuid and text
    start = int(text[1], 16)
    end = start + int(text[2], 16)
    known = [[[index(f[0]), index(f[1]), f[2]] for f in frames] for frames in answers(image, arch, start, end, FOLDER)]
    with tempfile.TemporaryDirectory() as alone:
        shutil.copy(FOLDER / image, alone)
        names = [frames[0][0] if frames else "" for frames in answers(image, arch, start, end, Path(alone))]
    unwind = run("llvm-objdump-22", f"--arch={arch}", "--unwind-info", image)
    rows = re.findall(r"\[\d+\]: function offset=0x([0-9a-f]+), encoding\[\d+\]=0x([0-9a-f]+)", unwind)
    return {
        "uuid": uuid[1],
        "code": [start, end],
        "lookups": runs(start, known),
        "symbols": runs(start, names),
        "unwind": [[int(at, 16), int(encoding, 16)] for at, encoding in rows],
    }


if __name__ == "__main__":
    tables = {f"{image} {cpu}": table(image, arch) for image, cpu, arch in IMAGES}
    lines = ['"texts": [\n' + ",\n".join(map(json.dumps, texts)) + "]"]
    for name, part in tables.items():
        inner = ",\n".join(
            f' "{key}": '
            + (
                json.dumps(value)
                if key in ("uuid", "code")
                else "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in value) + "]"
            )
            for key, value in part.items()
        )
        lines.append(f'"{name}": {{\n{inner}}}')
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
