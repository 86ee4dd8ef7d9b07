#!/usr/bin/env python3
"""Time look-ups in a PDB: mdmp as a library, the mdmp command, and llvm-symbolizer, each as a process of its own.

    pdb_lookup.py PDB IMAGE [--symbolizer llvm-symbolizer-22] [--counts 1,10,100,1000,10000] [--runs 5]

Addresses are random ones in its procedures, the same in every run. A figure is the median of the runs, after
one run to warm up: wall time, CPU time (user + system) and peak memory as the kernel counts them. The last column says
how many times the CPU of llvm-symbolizer that is.
"""

import argparse
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from mdmp.binary.window import map_file
from mdmp.formats.pdb import Pdb

CHILD = """
import sys
from mdmp.binary.window import map_file
from mdmp.formats.pdb import Pdb
pdb = Pdb(map_file(sys.argv[1]))
for line in sys.stdin:
    for frame in pdb.lookup(int(line, 16)):
        print(frame.function, frame.file, frame.line)
"""


class Figure(NamedTuple):
    wall: float
    cpu: float
    peak_mb: float


def measure(command: list[str], stdin: Path, runs: int) -> Figure:
    # Installed packages have their bytecode; a development shell may have forbidden it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    figures = []
    for _ in range(runs + 1):
        with stdin.open("rb") as file:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, env=environment)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        figures.append(Figure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    return Figure(*map(statistics.median, zip(*figures[1:], strict=True)))


def write_addresses(pdb: Path, counts: list[int], folder: Path) -> None:
    functions = list(Pdb(map_file(pdb)).functions())
    for count in counts:
        source = random.Random(count)
        chosen = source.choices(functions, k=count)
        lines = (f"{function.rva + source.randrange(function.size):#x}\n" for function in chosen)
        (folder / str(count)).write_text("".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pdb", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--symbolizer", default="llvm-symbolizer-22")
    parser.add_argument("--counts", default="1,10,100,1000,10000")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    pdb, image = str(options.pdb), str(options.image)
    commands = {
        "mdmp.formats.pdb": [sys.executable, "-c", CHILD, pdb],
        "mdmp lookup": [sys.executable, "-m", "mdmp", "lookup", "--json", pdb, "-"],
        "llvm-symbolizer": [options.symbolizer, "--relative-address", f"--obj={image}"],
    }
    print(f"{options.pdb.stat().st_size / 1e6:.0f} MB\n")
    print("| addresses | program | wall | CPU | peak | CPU, times llvm-symbolizer |\n|---|---|---|---|---|---|")
    counts = [int(count) for count in options.counts.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: what this one has in memory counts as a child's peak.
        maker = multiprocessing.Process(target=write_addresses, args=(options.pdb, counts, folder))
        maker.start()
        maker.join()
        for count in counts:
            rows = {name: measure(command, folder / str(count), options.runs) for name, command in commands.items()}
            for name, row in rows.items():
                ratio = row.cpu / rows["llvm-symbolizer"].cpu
                print(f"| {count} | {name} | {row.wall:.3f} s | {row.cpu:.3f} s | {row.peak_mb:.0f} MB | {ratio:.2f} |")


if __name__ == "__main__":
    main()
