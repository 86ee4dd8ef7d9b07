#!/usr/bin/env python3
"""Crash the programs of this folder under Wine and keep the dumps that Wine's dbghelp.dll writes.

    make_dumps.py TOOLS WINE8 WINE10 [NAME...]

TOOLS is the folder that build.sh was given (dumper.exe, dumper32.exe); WINE8 and WINE10 are the roots of Debian
systems with 64-bit and 32-bit Wine of that version (README.md says how to make them). Needs root, for chroot.
"""

import lzma
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
NORMAL, FULL_MEMORY = 0, 2
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}  # and no more: a full dump holds it

PREPARE = r"""
mount -t proc proc /proc && hostname shop
export HOME=/tmp WINEPREFIX=/tmp/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='
if ! test -d $WINEPREFIX/drive_c/shop; then
    wine wineboot -i
    wine reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' /v Debugger /d false /f
    wineserver -w
    mkdir -p $WINEPREFIX/drive_c/shop
fi
"""
CRASH = r"""
cd $WINEPREFIX/drive_c/shop && cp /tmp/shop/* .
timeout 60 wine 'C:\shop\{dumper}' {name} {type} 3 'C:\shop\{program}' {argument}
mv {name} /tmp/shop
"""


class Dump(NamedTuple):
    name: str
    program: str
    argument: str = ""
    wine: int = 10
    type: int = NORMAL
    packed: bool = False


def faults(cpu: str, *names: str) -> list[Dump]:
    program = "faults.exe" if cpu == "x64" else "faults32.exe"
    return [Dump(f"{name}_{cpu}.dmp", program, name) for name in names]


ALL_FAULTS = [
    "null_read", "freed_pointer", "write_readonly", "wild_jump", "null_call", "execute_data", "breakpoint",
    "illegal_instruction", "privileged_instruction", "divide_by_zero", "fast_fail", "seh_then_custom", "deep_inline",
    "dynamic_frame", "big_frame", "saved_registers", "tail_call", "named_threads", "deadlock", "cpp_throw",
]  # fmt: skip

DUMPS = [
    Dump("null_write_x64.dmp", "shop.exe", wine=8),
    Dump("null_write_wine10_x64.dmp", "shop.exe"),
    Dump("null_write_x86.dmp", "shop32.exe"),
    Dump("folded_x64.dmp", "folded.exe"),
    Dump("folded_x86.dmp", "folded32.exe"),
    Dump("callback_x64.dmp", "host.exe"),
    Dump("callback_x86.dmp", "host32.exe"),
    *faults("x64", *ALL_FAULTS),
    *faults("x86", *ALL_FAULTS),
    Dump("stack_overflow_x64.dmp", "faults.exe", "stack_overflow", packed=True),
    Dump("stack_probe_x64.dmp", "faults.exe", "stack_probe", packed=True),
    Dump("stack_overflow_x86.dmp", "faults32.exe", "stack_overflow", packed=True),
    Dump("saved_registers_wine8_x64.dmp", "faults.exe", "saved_registers", wine=8),
    Dump("cpp_throw_full_x64.dmp", "faults.exe", "cpp_throw", type=FULL_MEMORY, packed=True),
]


def run_inside(root: Path, script: str) -> str:
    """Run a shell script in the system under root, in name spaces of its own, so that nothing outlives it."""
    command = ["unshare", "--mount", "--pid", "--uts", "--fork", "chroot", str(root), "sh", "-c", PREPARE + script]
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def make(dump: Dump, tools: Path, root: Path) -> bool:
    share = root / "tmp/shop"
    share.mkdir(exist_ok=True)
    for path in (*HERE.glob("*.exe"), *HERE.glob("*.dll"), *tools.glob("*.exe")):
        shutil.copy(path, share)
    dumper = "dumper32.exe" if dump.program.endswith("32.exe") else "dumper.exe"
    output = run_inside(root, CRASH.format(dumper=dumper, **dump._asdict()))
    made = share / dump.name
    if not made.exists():
        print(f"{dump.name}: no dump\n{output}")
        return False
    data = made.read_bytes()
    made.unlink()
    if dump.packed:
        (HERE / f"{dump.name}.xz").write_bytes(lzma.compress(data, preset=9))
    else:
        (HERE / dump.name).write_bytes(data)
    print(f"{dump.name}: {len(data)} bytes")
    return True


def main(arguments: list[str]) -> int:
    if len(arguments) < 3:
        print(__doc__)
        return 2
    tools, *roots = map(Path, arguments[:3])
    wanted = set(arguments[3:])
    results = [
        make(dump, tools, roots[0] if dump.wine == 8 else roots[1])
        for dump in DUMPS
        if not wanted or dump.name.removesuffix(".dmp") in wanted
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
