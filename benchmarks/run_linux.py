"""What it costs a program to run under `mdmp run`, beside nothing at all and beside `gdb -batch`, if it is here.

    python benchmarks/run_linux.py [--runs 5] [--scale 1]

Small C programs do one thing many times and end: compute, call the system, get signals (handled), begin and end
threads, begin and end processes. Wall time (the fastest and the median of some runs, in turn: noise meets all alike),
processor time, and what each of the many things costs more than without, start-up not counted.
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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile unsigned long sum;
static void count(int signal) { sum += signal; }
static void *nothing(void *unused) { return unused; }
int main(int argc, char **argv) {
  const char *what = argv[1];
  long times = atol(argv[2]);
  if (!strcmp(what, "signals")) signal(SIGUSR1, count);
  for (long i = 0; i < times; i++) {
    if (!strcmp(what, "compute"))
      for (int k = 0; k < 1000; k++) sum += k * i;
    else if (!strcmp(what, "calls"))
      syscall(SYS_getppid);
    else if (!strcmp(what, "signals"))
      raise(SIGUSR1);
    else if (!strcmp(what, "threads")) {
      pthread_t thread;
      pthread_create(&thread, 0, nothing, 0);
      pthread_join(thread, 0);
    } else if (!strcmp(what, "processes")) {
      pid_t child = vfork();
      if (!child) _exit(0);
      waitpid(child, 0, 0);
    }
  }
  return 0;
}
"""
TIMES = {"nothing": 0, "compute": 400_000, "calls": 3_000_000, "signals": 5_000, "threads": 3_000, "processes": 1_000}
MDMP = [sys.executable, "-m", "mdmp", "run"]
GDB = ["gdb", "-batch", "-nx", "-ex", "handle all nostop noprint pass", "-ex", "run", "--args"]


def monitors() -> dict[str, list[str]]:
    found = {"bare": [], "mdmp run": [*MDMP, "--"], "mdmp run --memory 100G": [*MDMP, "--memory", "100G", "--"]}
    return found | ({"gdb -batch": GDB} if shutil.which("gdb") else {})


def cost(command: list[str]) -> tuple[float, float]:
    """Wall time and processor time (with that of all processes below), in seconds."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="so many times more of everything")
    args = parser.parse_args()
    start: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "busy.c"), str(Path(folder, "busy"))
        source.write_text(SOURCE)
        subprocess.run(["cc", "-O1", "-g", "-pthread", str(source), "-o", program], check=True)
        for what, times in TIMES.items():
            times = int(times * args.scale)
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in monitors()}
            for _ in range(args.runs):
                for name, prefix in monitors().items():
                    taken[name].append(cost([*prefix, program, what, str(times)]))
            walls = {name: min(wall for wall, _ in all_of) for name, all_of in taken.items()}
            start = start or walls
            for name, all_of in taken.items():
                more = walls[name] - start[name] - (walls["bare"] - start["bare"])
                row = {
                    "program": what,
                    "under": name,
                    "wall_ms": round(walls[name] * 1000, 1),
                    "median_ms": round(statistics.median(wall for wall, _ in all_of) * 1000, 1),
                    "cpu_ms": round(min(cpu for _, cpu in all_of) * 1000, 1),
                    "more_us_each": round(more * 1e6 / times, 2) if times else None,
                }
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
