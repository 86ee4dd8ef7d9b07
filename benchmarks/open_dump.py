"""Opens a minidump and lists threads, modules, regions and ranges: this package and others, each in its own process.

    python benchmarks/open_dump.py DUMP [--runs 9]

Prints the CPU time (user and system, start of Python included), best and median of the runs, and the peak memory.
`udmp-parser` and `minidump` are compared when they are installed. Byte code is cached in a folder of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = {
    "python -c pass": "pass",
    "mdmp.formats.minidump, threads, modules, regions, ranges": """
from mdmp.binary.window import map_file
from mdmp.formats.minidump.file import Minidump
dump = Minidump(map_file(sys.argv[1]))
full = dump.stream(9)
print(len([t.ThreadId for t in dump.stream(3)]), len([m.name for m in dump.stream(4)]),
      len(dump.stream(16) or ()), len(list(full.ranges.tuples())) if full else 0)
""",
    "mdmp.open_dump, the same with registers": """
import mdmp
snapshot = mdmp.open_dump(sys.argv[1])
print(len([t.context.registers for t in snapshot.threads if t.context]), len([m.name for m in snapshot.modules]),
      len(snapshot.regions or ()), len(snapshot.memory.ranges))
""",
    "mdmp streams": """
from mdmp.cli.__main__ import main
main(["streams", sys.argv[1]])
""",
    "mdmp info": """
from mdmp.cli.__main__ import main
main(["info", sys.argv[1]])
""",
    "udmp-parser": """
import udmp_parser
dump = udmp_parser.UserDumpParser()
assert dump.Parse(sys.argv[1])
print(len(dump.Threads()), len([m.ModuleName for m in dump.Modules().values()]), len(dump.Memory()))
""",
    "minidump (skelsec)": """
from minidump.minidumpfile import MinidumpFile
dump = MinidumpFile.parse(sys.argv[1])
print(len(dump.threads.threads), len([m.name for m in dump.modules.modules]))
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", metavar="DUMP")
    parser.add_argument("--runs", type=int, default=9)
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for name, program in PROGRAMS.items():
            times = [measure(program, args.dump, cache) for _ in range(args.runs + 1)][1:]
            if None not in times:
                rows.append((name, [t[0] for t in times if t], max(t[1] for t in times if t)))
    peer = next((min(cpu) for name, cpu, _ in rows if name == "udmp-parser"), None)
    print("| program | CPU, best | CPU, median | peak memory | times udmp-parser |")
    print("|---|---|---|---|---|")
    for name, cpu, memory in rows:
        ratio = f"{min(cpu) / peer:.2f}" if peer else ""
        print(f"| {name} | {min(cpu):.0f} ms | {statistics.median(cpu):.0f} ms | {memory:.0f} MB | {ratio} |")


def measure(program: str, dump: str, cache: str) -> tuple[float, float] | None:
    """CPU in ms and peak memory in MB of one run; None where it fails (not installed)."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    source = Path(cache) / "program.py"
    source.write_text(f"import sys\n{program}")
    process = subprocess.Popen(
        [sys.executable, str(source), dump],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return None
    return (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
