"""Walk every stack of a dump: `python benchmarks/walk_stacks.py DUMP --truth TRUTH [--stackwalk PATH]`.

DUMP is a big dump with images only in its own memory and a truth file: thread by thread the module and offset of every
frame. Prints the time of the walk alone, of `mdmp analyze --json` as a process, and of Breakpad's minidump_stackwalk,
each with the share of frames before the first wrong one.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import mdmp
from mdmp.analysis.process_code import ProcessCode
from mdmp.arch import CPUS
from mdmp.symbols.symbols import Symbols
from mdmp.unwind import Walker

Frames = list[list[tuple[str, int]]]


def right_prefix(truth: Frames, found: Frames) -> float:
    """The share of frames before the first wrong or missing one of each thread; return addresses less one count."""
    right = 0
    for want, have in zip(truth, found, strict=False):
        for (module, offset), (name, at) in zip(want, have, strict=False):
            if module != name or not 0 <= offset - at <= 1:
                break
            right += 1
    return right / sum(map(len, truth))


def walk(path: Path) -> tuple[float, Frames]:
    """Best of three, with everything opened anew: the images in the dump belong to the work."""
    best = float("inf")
    for _ in range(3):
        snapshot = mdmp.open_dump(path)
        threads = snapshot.threads or ()
        code = ProcessCode(snapshot, Symbols(snapshot.memory))
        began = time.process_time()
        walker = Walker(CPUS[snapshot.system.cpu], snapshot.memory, code, snapshot.system.os)
        walks = [walker.walk(t.context.registers) for t in threads if t.context]
        best = min(best, time.process_time() - began)
    found = [
        [(m.name, f.lookup - m.base) for f in w.frames if (m := snapshot.module_at(f.lookup)) is not None]
        for w in walks
    ]
    return best, found


def process(command: list[str]) -> tuple[float, str]:
    before = os.times()
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--stackwalk", help="Breakpad's minidump_stackwalk")
    args = parser.parse_args()
    truth: Frames = [[(f[0], f[1]) for f in thread[1]] for thread in json.loads(args.truth.read_text())]
    rows = []
    cpu, found = walk(args.dump)
    rows.append(("mdmp.unwind, the walk alone", cpu, right_prefix(truth, found)))
    cpu, text = process([sys.executable, "-m", "mdmp", "analyze", "--json", str(args.dump)])
    threads = json.loads(text)["threads"]
    found = [[(f["module"], int(f["module_offset"], 16)) for f in t["frames"]] for t in threads]
    rows.append(("mdmp analyze --json", cpu, right_prefix(truth, found)))
    if args.stackwalk:
        cpu, text = process([args.stackwalk, "-m", str(args.dump)])
        by_thread: dict[int, list[tuple[str, int]]] = {}
        for match in re.finditer(r"^(\d+)\|\d+\|([^|]*)\|[^|]*\|[^|]*\|[^|]*\|0x([0-9a-f]+)", text, re.M):
            by_thread.setdefault(int(match[1]), []).append((match[2], int(match[3], 16)))
        found = [by_thread.get(i, []) for i in range(len(truth))]
        rows.append(("minidump_stackwalk", cpu, right_prefix(truth, found)))
    print(f"{sum(map(len, truth))} frames in {len(truth)} threads\n\n| program | CPU | right up to the first wrong |")
    print("|---|---|---|")
    for name, cpu, right in rows:
        print(f"| {name} | {cpu:.3f} s | {100 * right:.0f} % |")


if __name__ == "__main__":
    main()
