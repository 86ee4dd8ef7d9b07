"""What starting costs: `python benchmarks/start_up.py`. Whole processes, median of 21, against bare Python."""

import os
import statistics
import subprocess
import sys

MDMP = os.path.join(os.path.dirname(sys.executable), "mdmp")
COMMANDS = (
    ("python -c pass", ["-c", "pass"]),
    ("import mdmp", ["-c", "import mdmp"]),
    ("mdmp --version", [MDMP, "--version"]),
    ("mdmp --help", [MDMP, "--help"]),
    ("mdmp analyze --help", [MDMP, "analyze", "--help"]),
    *([("mdmp run -- true", [MDMP, "run", "--", "true"])] if sys.platform == "linux" else []),
)


def cpu(arguments: list[str]) -> float:
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    print("| command | CPU | times bare Python |\n|---|---|---|")
    bare = 0.0
    for name, arguments in COMMANDS:
        # os.times counts in clock ticks: ten runs for each sample.
        taken = statistics.median(sum(cpu(arguments) for _ in range(10)) / 10 for _ in range(21))
        bare = bare or taken
        print(f"| `{name}` | {1000 * taken:.0f} ms | {taken / bare:.2f} |", flush=True)


if __name__ == "__main__":
    main()
