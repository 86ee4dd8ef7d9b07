"""Programs that crash on this machine: their core files, as the kernel writes them, read as gdb reads them.

The stacks go through the system's own C library, which no fixture can hold.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mdmp

resource = pytest.importorskip("resource", reason="core files are made by Linux")

HERE = Path(__file__).resolve().parent
BY_GDB = HERE.parent / "data" / "linux" / "cores" / "make_expected.py"
PATTERN = Path("/proc/sys/kernel/core_pattern")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="core files are made by Linux"),
    pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("gdb")), reason="gcc and gdb are needed"),
    pytest.mark.skipif(
        not PATTERN.is_file() or PATTERN.read_text().strip() != "core", reason="the system puts core files elsewhere"
    ),
    pytest.mark.skipif(
        resource.getrlimit(resource.RLIMIT_CORE)[1] not in (-1, resource.RLIM_INFINITY), reason="core files are limited"
    ),
]

CASES = {
    "deep": ("-O0", "segv"),
    "threads": ("-O2", "abort", "threads"),
    "handler": ("-O2", "handler", "threads"),
    "callback": ("-O1", "x", "sort"),
    "fixed": ("-O1 -no-pie", "fpe", "threads"),
    "static": ("-O2 -static", "handler", "threads"),
    "jump": ("-O1", "jump"),
}


def crash(folder: Path, flags: str, *arguments: str) -> tuple[Path, Path]:
    program = folder / "crashing"
    source = HERE / "crashing.c"
    subprocess.run(["gcc", "-g", *flags.split(), "-pthread", "-o", program, source], check=True, capture_output=True)
    subprocess.run(
        [program, *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    )
    cores = list(folder.glob("core*"))
    if not cores:
        pytest.skip("the system wrote no core file")
    return program, cores[0]


def plain(name: str | None) -> str:
    """Symbols of one address differ in their prefixes."""
    return re.sub(r"^(_+GI)?_+", "", name or "")


@pytest.mark.parametrize("name", CASES)
def test_stacks_are_those_of_gdb(name: str, tmp_path: Path) -> None:
    program, core = crash(tmp_path, *CASES[name])
    commands = (f"file {program}", f"core-file {core}", f"source {BY_GDB}")
    arguments = ["gdb", "-batch", "-nx", *(word for text in commands for word in ("-ex", text))]
    out = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout
    wanted = json.loads(out[out.index("\n{") + 1 :].splitlines()[0])
    report = mdmp.analyze(mdmp.open_dump(core))
    assert {str(thread.tid) for thread in report.threads} == set(wanted)
    for thread in report.threads:
        places = [place for frame in thread.frames for place in (*frame.inlines, frame)]
        want = wanted[str(thread.tid)]
        assert [plain(place.function) for place in places] == [plain(row[0]) for row in want]
        assert [place.line for place in places] == [row[2] for row in want]
    assert (report.os, report.pid is not None, report.issues) == ("linux", True, ())
    assert report.blame is not None
    assert report.blame.function in {"crash", "by_signal_handler"}
