"""What `mdmp.install_handler` costs: `python benchmarks/install_handler.py`.

Each figure comes from processes of their own, with and without the handler in turns; best of `RUNS`, as other programs
disturb. On Windows (and under Wine) what there is not is left out.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

RUNS = int(os.environ.get("RUNS", "9"))
PYTHON = [sys.executable]


def count() -> None:
    total = 0
    for number in range(5_000_000):
        total += number


def stat() -> None:
    for _ in range(100_000):
        os.stat(os.curdir)


def start_threads() -> None:
    for _ in range(500):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def hear_signals() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    for _ in range(5_000):
        os.kill(os.getpid(), signal.SIGUSR1)


def fork() -> None:
    for _ in range(100):
        if os.fork() == 0:
            os._exit(0)
        os.wait()


def run_programs() -> None:
    for _ in range(20):
        subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], stdin=subprocess.DEVNULL)


WORK: dict[str, tuple[Callable[[], None], int, str]] = {
    "count": (count, 5_000_000, "an addition, in a loop of 5 million"),
    "stat": (stat, 100_000, "a system call (`os.stat`)"),
    "threads": (start_threads, 500, "a thread, started and joined"),
    "programs": (run_programs, 20, "a program, run by `subprocess`"),
}
if sys.platform != "win32":
    WORK["signals"] = (hear_signals, 5_000, "a signal with a handler of Python")
    WORK["fork"] = (fork, 100, "`os.fork`, and `os.wait`")


def child(work: str, watched: bool) -> None:
    """Prints seconds."""
    import mdmp.monitor.handler  # for both: a larger process takes longer to fork

    if watched:
        assert mdmp.install_handler().watching
    began = time.perf_counter()
    WORK[work][0]()
    print(time.perf_counter() - began)


def install(wait: bool) -> None:
    """Prints seconds until it returned, and the watcher's memory in KiB (Linux)."""
    import mdmp

    began = time.perf_counter()
    handler = mdmp.install_handler(wait=wait)
    took = time.perf_counter() - began
    handler.wait()
    print(took, _memory(handler.watcher or 0))


def _memory(pid: int) -> int:
    if sys.platform == "win32":
        return 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def measured(*arguments: str) -> tuple[float, ...]:
    # Pipes for all three: Windows Python under Wine takes no files.
    ended = subprocess.run(
        [*PYTHON, __file__, *arguments], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    return tuple(map(float, ended.stdout.split()))


def main() -> None:
    if sys.argv[1:2] == ["--install"]:
        install(sys.argv[2] == "wait")
    elif len(sys.argv) == 3:
        child(sys.argv[1], sys.argv[2] == "watched")
    else:
        waiting = [measured("--install", "wait") for _ in range(RUNS)]
        at_once = [measured("--install", "at-once") for _ in range(RUNS)]
        print(f"install_handler(): {1000 * min(took for took, _ in waiting):.0f} ms")
        print(f"install_handler(wait=False): {1000 * min(took for took, _ in at_once):.1f} ms")
        print(f"memory of the watcher: {min(memory for _, memory in waiting) / 1024:.0f} MB")
        print("\n| what | alone | watched | more, each |\n|---|---|---|---|")
        for work, (_, number, text) in WORK.items():
            pairs = [(measured(work, "alone")[0], measured(work, "watched")[0]) for _ in range(RUNS)]
            alone, watched = (min(pair[index] for pair in pairs) for index in (0, 1))
            more = (watched - alone) / number * 1e6
            print(f"| {text} | {alone * 1000:.0f} ms | {watched * 1000:.0f} ms | {more:.2f} µs |", flush=True)


if __name__ == "__main__":
    main()
