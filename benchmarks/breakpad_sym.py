"""Look-ups in a big Breakpad symbol file: without a kept index, making one, and with one.

    python benchmarks/breakpad_sym.py [--sym FILE] [--frames 2000] [--runs 5]

Without --sym a file of about 66 MB is made first: 40,000 functions, 1.5 million lines, inlined calls, unwind rules.
Each run is a process of its own; its CPU time and peak memory are what the system counted (Linux and macOS).
"""

import argparse
import mmap
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

FUNCTIONS, LINES, FILES, ORIGINS = 40_000, 48, 2000, 20_000
NAME = (
    "product::component_%04d::detail::ordered_map<product::record_%d, std::tuple<product::record_%d, unsigned long>, "
    "product::allocator<product::node<product::record_%d, std::tuple<product::record_%d, unsigned long> > > >"
    "::transform(product::record_%d const&, std::vector<product::state, product::allocator<product::state> >&) const"
)

LOOKUP = """
import random, sys
from pathlib import Path
from mdmp.formats.breakpad import SymFile
path, folder, frames = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
file = SymFile.open(path, Path(folder) if folder != "-" else None)
rng, found = random.Random(1), 0
first, last = int(sys.argv[4], 16), int(sys.argv[5], 16)
for _ in range(frames):
    rva = rng.randrange(first, last)
    found += bool(file.lookup(rva)) + bool(file.cfi(rva))
print(found)
"""


def make(path: Path) -> None:
    rng = random.Random(0)
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write("MODULE Linux x86_64 0F1E2D3C4B5A69788796A5B4C3D2E1F00 libbig.so\n")
        for i in range(FILES):
            out.write(f"FILE {i} /builds/product/source/component_{i % 50}/detail/file_{i}.cpp\n")
        for i in range(ORIGINS):
            out.write(f"INLINE_ORIGIN {i} {NAME % (i % 50, i, i, i, i, i)}\n")
        address, rules = 0x1000, []
        for i in range(FUNCTIONS):
            count = max(1, int(rng.expovariate(1 / LINES)))
            sizes = [rng.choice((2, 3, 4, 5, 7, 8, 12, 16)) for _ in range(count)]
            size = sum(sizes)
            out.write(f"FUNC {address:x} {size:x} 0 {NAME % (i % 50, i, i, i, i, i)}\n")
            for depth in range(rng.randrange(3)):
                out.write(f"INLINE {depth} {i % 999} {i % FILES} {i % ORIGINS} {address + 4:x} {size // 2:x}\n")
            at = address
            for part in sizes:
                out.write(f"{at:x} {part:x} {rng.randrange(1, 3000)} {i % FILES}\n")
                at += part
            rules.append(f"STACK CFI INIT {address:x} {size:x} .cfa: $rsp 8 + .ra: .cfa -8 + ^\n")
            rules.append(f"STACK CFI {address + 1:x} .cfa: $rsp 16 + $rbp: .cfa -16 + ^\n")
            rules.append(f"STACK CFI {address + 4:x} .cfa: $rbp 16 +\n")
            address = at + 15 & -16
        out.writelines(f"PUBLIC {address + 16 * i:x} 0 public_{i}\n" for i in range(5000))
        out.writelines(rules)


def measure(command: list[str]) -> tuple[float, float, str]:
    """CPU seconds, peak memory in MB, and what it printed."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        out.seek(0)
        scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale, out.read().decode().strip()


def bounds(path: Path) -> tuple[str, str]:
    """The addresses of the first and the last function."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        first, last = text.find(b"\nFUNC ") + 6, text.rfind(b"\nFUNC ") + 6
        return text[first : first + 20].split()[0].decode(), text[last : last + 20].split()[0].decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sym", type=Path)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--make", type=Path, help="write the big file here, and nothing else")
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.sym or Path(folder) / "libbig.so.sym"
        if not options.sym:
            # In a process of its own: a child's peak memory begins with what its parent has.
            subprocess.run([sys.executable, __file__, "--make", str(path)], check=True)
        first, last = bounds(path)
        size = path.stat().st_size / 1e6
        print(f"{path.name}: {size:.1f} MB, {options.frames} addresses, best of {options.runs} runs")
        index = Path(folder) / "index"
        for what, where, frames in (
            ("no index folder", None, options.frames),
            ("index made and kept", index, options.frames),
            ("index kept from before", index, options.frames),
            ("index kept, 1 address", index, 1),
            ("index kept, opened only", index, 0),
        ):
            times, memory, answer = [], [], ""
            for _ in range(options.runs):
                if what == "index made and kept":
                    for kept in index.glob("*"):
                        kept.unlink()
                command = [sys.executable, "-c", LOOKUP, str(path), str(where or "-"), str(frames), first, last]
                cpu, peak, answer = measure(command)
                times.append(cpu)
                memory.append(peak)
            print(f"{what:26} {min(times) * 1000:7.0f} ms CPU {max(memory):6.0f} MB   {answer} answers")


if __name__ == "__main__":
    main()
