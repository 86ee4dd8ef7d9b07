"""Writes a full dump again, in a process of its own: wall and CPU time, bytes per second, and peak memory.

    python benchmarks/save_dump.py [--megabytes 1024] [--runs 3] [--folder DIR] [DUMP]

Without DUMP, one is made of random bytes; `--zero 50` makes that share of its pages zero. `cp` and `sync` of the same
file are timed beside it.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAVE = """
import resource, sys, time
from mdmp.dumpfile.load import load
from mdmp.dumpfile.save import save
start = time.perf_counter()
saved = save(load(sys.argv[1]), sys.argv[2])
wall = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_SELF)
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, saved.memory)
"""


class Made:
    """Memory of a few hundred ranges, made when it is read."""

    def __init__(self, size: int, zero: int) -> None:
        count = 400
        step = size // count // 4096 * 4096
        self.ranges = tuple((0x10000000 + i * 2 * step, step) for i in range(count))
        pool = random.Random(1)
        pages = (bytes(4096) if pool.randrange(100) < zero else pool.randbytes(4096) for _ in range(256))
        self._chunk = b"".join(pages)

    def read_some(self, address: int, size: int) -> bytes:
        start, length = next(one for one in self.ranges if one[0] <= address < one[0] + one[1])
        size = min(size, start + length - address, len(self._chunk))
        return self._chunk[:size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dump", metavar="DUMP", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--zero", type=int, default=0, help="percent of the pages that are zero")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        source = args.dump or make(folder / "source.dmp", args.megabytes << 20, args.zero)
        for _ in range(args.runs):
            done = subprocess.run(
                [sys.executable, "-c", SAVE, str(source), str(folder / "out.dmp")],
                capture_output=True,
                text=True,
                check=True,
            )
            wall, cpu, peak, memory = map(float, done.stdout.split())
            status = (folder / "out.dmp").stat()
            print(
                f"mdmp  wall {wall:6.2f} s  CPU {cpu:6.2f} s  {memory / wall / 1e6:7.0f} MB/s  peak {peak:5.0f} MB  "
                f"file {status.st_size / 1e6:.0f} MB, on disk {status.st_blocks * 512 / 1e6:.0f} MB"
            )
            (folder / "out.dmp").unlink()
            start = time.perf_counter()
            subprocess.run(["cp", "--sparse=never", str(source), str(folder / "copy")], check=True)
            os.sync()
            print(f"cp and sync  wall {time.perf_counter() - start:6.2f} s")
            (folder / "copy").unlink()


def make(path: Path, size: int, zero: int) -> Path:
    from mdmp.dumpfile.save import save
    from mdmp.snapshot import Origin, Snapshot, System, Thread

    memory = Made(size, zero)
    snapshot = Snapshot(Origin("live"), System("linux", "amd64"), threads=(Thread(1),), modules=(), memory=memory)
    save(snapshot, path, flags=0x2)
    return path


if __name__ == "__main__":
    main()
