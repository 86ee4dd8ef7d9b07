"""Analyze many dumps: `python benchmarks/many_dumps.py FOLDER [--symbols DIR] [--stackwalk PATH] [--copies 500]`.

Copies the dumps of a folder (those under 400 KB) until there are `--copies`, then times `mdmp analyze --json` in one
process and in two, and Breakpad's minidump_stackwalk, one process a dump, two at a time. Whole-process times.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LARGEST = 400_000


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command with all its children."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--symbols", type=Path, action="append", default=[])
    parser.add_argument("--stackwalk", help="Breakpad's minidump_stackwalk (npm package `minidump` carries one)")
    parser.add_argument("--copies", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    dumps = [p for p in sorted(args.folder.rglob("*.dmp")) if p.stat().st_size <= LARGEST]
    with tempfile.TemporaryDirectory() as folder:
        for number, dump in zip(range(args.copies), itertools.cycle(dumps), strict=False):
            shutil.copyfile(dump, Path(folder) / f"{number:04}.dmp")
        symbols = [word for path in args.symbols for word in ("--symbols", str(path))]
        ours = [sys.executable, "-m", "mdmp", "analyze", "--json", *symbols, folder]
        rows = [("mdmp, one process", [*ours, "--jobs", "1"]), ("mdmp, two processes", [*ours, "--jobs", "2"])]
        if args.stackwalk:
            words = " ".join([args.stackwalk, "-m", "{}", *map(str, args.symbols)])
            peer = ["sh", "-c", f"ls {folder}/*.dmp | xargs -P2 -I{{}} {words}"]
            rows.append(("minidump_stackwalk, two at a time", peer))
        print(f"{min(args.copies, len(list(Path(folder).iterdir())))} dumps, best of {args.rounds}\n")
        print("| program | wall | CPU | CPU per dump |\n|---|---|---|---|")
        for name, command in rows:
            wall, cpu = min((timed(command) for _ in range(args.rounds)), key=lambda pair: pair[1])
            print(f"| {name} | {wall:.2f} s | {cpu:.2f} s | {1000 * cpu / args.copies:.1f} ms |", flush=True)


if __name__ == "__main__":
    main()
