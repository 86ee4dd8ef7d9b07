"""How long a process stands still while it is dumped, and how fast that goes: this package, and gcore if it is here.

    python benchmarks/capture_linux.py [--mib 1024] [--threads 8] [--runs 3] [--folder /tmp]

A C program with so much memory and so many threads looks at the clock every 0.2 ms and says what its largest gap was;
`untouched` is what it says when nobody dumps it: noise of the machine.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
static volatile double largest;
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
static void *sampler(void *unused) {
  struct timespec step = {0, 200000};
  for (double last = now();;) {
    nanosleep(&step, 0);
    double t = now();
    if (t - last > largest) largest = t - last;
    last = t;
  }
  return unused;
}
static void *idle(void *unused) {
  for (;;) pause();
  return unused;
}
int main(int argc, char **argv) {
  size_t words = (strtoul(argv[1], 0, 10) << 20) / 8;
  uint64_t *memory = mmap(0, words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t x = 88172645463325252ull;
  for (size_t i = 0; i < words; i++) { /* half of the pages random, half of them all but empty */
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    memory[i] = (i & 512) ? 1 : x;
  }
  pthread_t thread;
  for (int i = atoi(argv[2]); i > 0; i--) pthread_create(&thread, 0, idle, 0);
  pthread_create(&thread, 0, sampler, 0);
  char line[16];
  do {
    printf("%f\n", largest);
    fflush(stdout);
    largest = 0;
  } while (fgets(line, sizeof line, stdin));
}
"""
RUNNER = """
import json, resource, sys, time
from mdmp.cli.__main__ import main
began = time.monotonic()
code = main(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where dumps are written, and removed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        (Path(folder) / "target.c").write_text(SOURCE)
        binary = f"{folder}/target"
        subprocess.run(["cc", "-O2", "-pthread", f"{folder}/target.c", "-o", binary], check=True)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([binary, str(args.mib), str(args.threads)], **pipes) as target:
            ask(target, first=True)
            compare(target, folder, args.runs)
            target.stdin.close()


def ask(target: "subprocess.Popen[str]", first: bool = False) -> float:
    """The largest gap in ms since the last time."""
    if not first:
        target.stdin.write("\n")
        target.stdin.flush()
    return float(target.stdout.readline())


def compare(target: "subprocess.Popen[str]", folder: str, runs: int) -> None:
    out = f"{folder}/out.dmp"
    ours = [sys.executable, "-c", RUNNER, "capture", str(target.pid), "-o", out]
    ways = {
        "untouched": ["sleep", "1"],
        "mdmp capture --type mini": [*ours, "--type", "mini"],
        "mdmp capture --type heap": [*ours, "--type", "heap"],
        "mdmp capture --type full": [*ours, "--type", "full"],
        "mdmp capture --type full --no-snapshot": [*ours, "--type", "full", "--no-snapshot"],
    }
    if shutil.which("gcore"):
        ways["gcore"] = ["gcore", "-o", f"{folder}/core", str(target.pid)]
    print("| | largest gap, ms (median; all) | wall, s | bytes written | MiB/s | peak memory |")
    print("|---|---|---|---|---|---|")
    for name, command in ways.items():
        gaps, walls, size, peak = [], [], 0, ""
        for _ in range(runs):
            ask(target)
            began = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True)
            walls.append(time.monotonic() - began)
            gaps.append(ask(target))
            if command[0] == sys.executable:
                code, memory, _ = json.loads(done.stdout.splitlines()[-1])
                assert code == 0, done.stderr
                peak = f"{memory:.0f} MB"
            for file in [*Path(folder).glob("core*"), *Path(folder).glob("*.dmp")]:
                size = file.stat().st_size
                os.unlink(file)
        wall = statistics.median(walls)
        rate = f"{size / wall / 2**20:.0f}" if size > 1 << 20 else ""
        every = ", ".join(f"{gap:.1f}" for gap in sorted(gaps))
        print(f"| {name} | {statistics.median(gaps):.1f} ({every}) | {wall:.2f} | {size} | {rate} | {peak} |")


if __name__ == "__main__":
    main()
