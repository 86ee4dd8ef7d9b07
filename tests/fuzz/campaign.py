"""The long campaign on damaged input: `python tests/fuzz/campaign.py FILE_OR_FOLDER… [--cuts 200] [--changes 2000]`.

Each file is cut at `--cuts` places and, in other copies, gets one to eight of its bytes changed at random,
`--changes` times. Each damaged copy must give an answer or one `MdmpError`, within 10 seconds and 500 MB. Dumps are
analyzed and rendered whole; debug files and images are asked for addresses. The exit code is 1 if any copy fails;
failing copies are kept in `--keep`.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from mdmp import MdmpError, analyze, open_dump

MAX_SECONDS = 10.0
MAX_BYTES = 500 << 20
SUFFIXES = {".dmp", ".mdmp", ".pdb", ".exe", ".dll", ".node", ".sym", ".debug", ".dbg", ".full", ".bin", ".out", ""}
HOT = 4096
"""Half of the changes go to the first bytes, where headers and directories are."""


def copies(data: bytes, cuts: int, changes: int, seed: str) -> Iterator[tuple[str, bytes]]:
    source = random.Random(seed)
    for _ in range(cuts if data else 0):
        size = source.randrange(len(data))
        yield f"cut at {size}", data[:size]
    for number in range(changes if data else 0):
        changed = bytearray(data)
        for _ in range(source.choice((1, 1, 2, 8))):
            at = source.randrange(min(len(data), HOT) if source.random() < 0.5 else len(data))
            changed[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        yield f"change {number}", bytes(changed)


def ask_dump(path: Path, symbols: list[Path]) -> None:
    from mdmp.report import as_html, as_json, as_markdown, as_text
    from mdmp.report.options import RenderOptions

    report = analyze(open_dump(path), symbols=symbols)
    for renderer in (as_text, as_json, as_markdown, as_html):
        renderer.render(report, RenderOptions(all_threads=True))


def known_addresses(path: Path, source: random.Random, wanted: int = 20) -> list[int]:
    """Addresses that the undamaged file answers, near ones and far ones."""
    from mdmp.symbols.open_file import open_symbols

    try:
        symbols = open_symbols(path)
    except MdmpError:
        return [0x1000, 0x2000]
    tries = [0x1000 + source.randrange(1 << bits) for bits in range(10, 25) for _ in range(300)]
    found = [address for address in tries if symbols.lookup(address)]
    return source.sample(found, min(wanted, len(found))) or tries[:wanted]


def ask_symbols(path: Path, addresses: list[int]) -> None:
    from mdmp.symbols.open_file import open_symbols

    source = open_symbols(path)
    for address in addresses:
        source.lookup(address)


def run(job: tuple[Path, int, int, Path, list[Path]]) -> tuple[str, int, float, int, list[str]]:
    """One file's share: name, copies, slowest in seconds, largest resident size in bytes, what failed."""
    import resource

    path, cuts, changes, keep, symbols = job
    data = path.read_bytes()
    source = random.Random(path.name)
    is_dump = data[:4] == b"MDMP" or path.suffix in (".dmp", ".mdmp")
    addresses = [] if is_dump else known_addresses(path, source)
    count, slowest, problems = 0, 0.0, list[str]()
    with tempfile.TemporaryDirectory() as folder:
        damaged = Path(folder) / path.name
        for what, content in copies(data, cuts, changes, path.name):
            damaged.write_bytes(content)
            count += 1
            began = time.process_time()
            problem = ""
            try:
                if is_dump:
                    ask_dump(damaged, symbols)
                else:
                    ask_symbols(damaged, addresses)
            except MdmpError as error:
                if "\n" in str(error):
                    problem = f"an error of several lines: {error!r}"
            except BaseException:  # noqa: BLE001 - whatever comes out is what we are looking for
                problem = traceback.format_exc()
            took = time.process_time() - began
            slowest = max(slowest, took)
            if took > MAX_SECONDS:
                problem = problem or f"took {took:.1f} s"
            if problem:
                kept = keep / f"{path.name}.{what.replace(' ', '-')}"
                kept.write_bytes(content)
                problems.append(f"{path} {what} (kept as {kept}): {problem}")
                if len(problems) >= 20:
                    break
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if memory > MAX_BYTES:
        problems.append(f"{path}: {memory >> 20} MB resident")
    return str(path), count, slowest, memory, problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--symbols", type=Path, action="append", default=[])
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "mdmp-damaged")
    args = parser.parse_args()
    args.keep.mkdir(parents=True, exist_ok=True)
    files = [f for p in args.paths for f in (sorted(p.rglob("*")) if p.is_dir() else [p])]
    files = [f for f in files if f.is_file() and f.suffix in SUFFIXES]
    jobs = [(f, args.cuts, args.changes, args.keep, args.symbols) for f in files]
    total, bad = 0, 0
    # A process for each file, so that its peak memory is its own.
    with multiprocessing.Pool(args.jobs, maxtasksperchild=1) as pool:
        for name, count, slowest, memory, problems in pool.imap_unordered(run, jobs, chunksize=1):
            total += count
            bad += len(problems)
            worst = f"slowest {slowest:.2f} s, {memory >> 20} MB"
            print(f"{name}: {count} copies, {worst}, {len(problems)} failed", flush=True)
            for problem in problems:
                print(f"  {problem}", flush=True)
    print(f"{len(jobs)} files, {total} damaged copies, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
