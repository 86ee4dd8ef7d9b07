#!/usr/bin/env python3
"""Time look-ups in an ELF file with DWARF: mdmp as a library, and llvm-symbolizer, each as a process of its own.

    dwarf_lookup.py ELF [--symbolizer llvm-symbolizer-22] [--pyelftools] [--counts 1,10,100,1000] [--runs 5]

Addresses are random ones in its code, the same in every run. A figure is the median of the runs, after one run to warm
up: wall time, CPU time (user + system) and peak memory as the kernel counts them (with the pages of the mapped file).
`--pyelftools` decodes the line table and the entries of the one unit that an address needs, found by its ranges.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mdmp.binary.window import map_file
from mdmp.formats.elf.elf import Elf

MDMP = """
import sys
from mdmp.binary.window import map_file
from mdmp.formats.elf.elf import Elf
elf = Elf(map_file(sys.argv[1]))
for line in sys.stdin:
    for frame in elf.lookup(int(line, 16)):
        print(frame.linkage_name or frame.function, frame.file, frame.line)
"""

PYELFTOOLS = """
import sys
from elftools.elf.elffile import ELFFile
elf = ELFFile(open(sys.argv[1], "rb"))
dwarf = elf.get_dwarf_info()
lists = dwarf.range_lists()
units = []
for unit in dwarf.iter_CUs():
    top = unit.get_top_DIE()
    found = top.attributes.get("DW_AT_ranges")
    if found:
        for entry in lists.get_range_list_at_offset(found.value, unit):
            if hasattr(entry, "begin_offset"):
                units.append((entry.begin_offset, entry.end_offset, unit))
tables = {}
for line in sys.stdin:
    address = int(line, 16)
    unit = next((unit for low, high, unit in units if low <= address < high), None)
    if unit is None:
        continue
    if unit not in tables:
        rows = [entry.state for entry in dwarf.line_program_for_CU(unit).get_entries() if entry.state]
        dies = [die for die in unit.iter_DIEs() if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes]
        tables[unit] = rows, dies
    rows, dies = tables[unit]
    row = next((a for a, b in zip(rows, rows[1:]) if a.address <= address < b.address and not a.end_sequence), None)
    print(row and row.line)
"""


def measure(command: list[str], stdin: Path, runs: int) -> tuple[float, float, float]:
    figures = []
    for _ in range(runs + 1):
        with stdin.open("rb") as file:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command[0]} ended with {child.returncode}")
        figures.append((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    wall, cpu, peak = (statistics.median(column) for column in zip(*figures[1:], strict=True))
    return wall, cpu, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--symbolizer", default="llvm-symbolizer-22")
    parser.add_argument("--pyelftools", action="store_true")
    parser.add_argument("--counts", default="1,10,100,1000")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    elf = Elf(map_file(options.elf))
    spans = [(s.address, s.address + s.size) for s in elf.sections if s.name == ".text"] or elf.code
    commands = {
        "mdmp.formats.elf": [sys.executable, "-c", MDMP, str(options.elf)],
        "llvm-symbolizer": [options.symbolizer, f"--obj={options.elf}"],
    }
    if options.pyelftools:
        commands["pyelftools"] = [sys.executable, "-c", PYELFTOOLS, str(options.elf)]
    print(f"{options.elf.stat().st_size / 1e6:.0f} MB\n")
    print("| addresses | program | wall | CPU | peak |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for count in map(int, options.counts.split(",")):
            source = random.Random(count)
            asked = Path(folder) / str(count)
            asked.write_text("".join(f"{source.randrange(*source.choice(spans)):#x}\n" for _ in range(count)))
            for name, command in commands.items():
                if name == "pyelftools" and count > 10:
                    continue
                wall, cpu, peak = measure(command, asked, options.runs)
                print(f"| {count} | {name} | {wall * 1000:.0f} ms | {cpu * 1000:.0f} ms | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
