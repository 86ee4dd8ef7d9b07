"""What others read in the dumps that we write: LLDB, and Breakpad's tools where they are installed."""

import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import mdmp

CORES = Path(__file__).parent.parent / "data" / "linux" / "cores"
KINDS = ("full", "heap", "mini")
LLDB = next(filter(None, map(shutil.which, ("lldb", "lldb-22", "lldb-19"))), None)
BREAKPAD = os.environ.get("MDMP_BREAKPAD")
"""The folder with minidump_stackwalk and minidump_dump, where they are not on the PATH."""


def tool(name: str) -> str:
    found = shutil.which(name, path=BREAKPAD) if BREAKPAD else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (MDMP_BREAKPAD names its folder)")
    return found


def converted(name: str, kind: str, tmp_path: Path) -> tuple[mdmp.Snapshot, Path]:
    packed = CORES / name
    (tmp_path / "core").write_bytes(lzma.decompress(packed.read_bytes()))
    snapshot = mdmp.open_dump(tmp_path / "core")
    mdmp.save_dump(snapshot, tmp_path / "out.dmp", kind=kind)
    return snapshot, tmp_path / "out.dmp"


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=120)
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["pie-segv-threads.core.xz", "arm64-handler.core.xz", "fpe.core.xz"])
def test_lldb(name: str, kind: str, tmp_path: Path) -> None:
    """It lists the modules and threads, and knows why and where each stands."""
    if not LLDB:
        pytest.skip("lldb is not installed")
    snapshot, path = converted(name, kind, tmp_path)
    command = ("-o", "image list", "-o", "thread list", "-o", "register read pc sp")
    text = run(LLDB, "--no-lldbinit", "--batch", "-c", path, *command)
    bases = {int(base, 16) for base in re.findall(r"^\[ *\d+\] .*?0x([0-9a-f]{16})", text, re.MULTILINE)}
    assert bases == {module.base for module in snapshot.modules or ()}, text
    tids = {int(tid, 0) for tid in re.findall(r"thread #\d+: tid = (\w+)", text)}
    assert tids == {thread.tid for thread in snapshot.threads or ()}
    signal = {11: "SIGSEGV", 8: "SIGFPE", 6: "SIGABRT"}[snapshot.exceptions[0].code]
    assert f"stop reason = signal {signal}" in text
    thread = snapshot.thread(snapshot.exceptions[0].tid or 0)
    assert thread is not None and thread.context is not None
    registers = thread.context.registers
    names = ("rip", "rsp") if thread.context.cpu == "amd64" else ("pc", "sp")
    for register in names:
        assert f"= 0x{registers[register]:016x}" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["pie-segv-threads.core.xz", "arm64-abort-threads.core.xz"])
def test_breakpad_stackwalk(name: str, kind: str, tmp_path: Path) -> None:
    """Its machine-readable output: the reason, the modules, and each thread's first frame."""
    snapshot, path = converted(name, kind, tmp_path)
    lines = [line.split("|") for line in run(tool("minidump_stackwalk"), "-m", path).splitlines()]
    reason = next(line for line in lines if line[0] == "Crash")
    assert reason[1].startswith("SIG") and int(reason[2], 16) == (snapshot.exceptions[0].address or 0)
    modules = {int(line[5], 16) for line in lines if line[0] == "Module"}
    assert modules == {module.base for module in snapshot.modules or ()}
    first = [line for line in lines if line[0].isdigit() and line[1] == "0"]
    assert len(first) == len(snapshot.threads or ())
    assert any(line[2] for line in first)
    assert any(line[0].isdigit() and int(line[1]) > 0 for line in lines), "no stack memory was found"


@pytest.mark.parametrize("kind", KINDS)
def test_breakpad_dump(kind: str, data: Path, tmp_path: Path) -> None:
    """It prints every stream it knows, and calls none of them broken."""
    dump = tool("minidump_dump")
    _, linux = converted("pie-segv-threads.core.xz", kind, tmp_path)
    windows = tmp_path / "windows.dmp"
    mdmp.save_dump(mdmp.open_dump(data / "windows" / "null_write_x64.dmp"), windows, kind=kind)
    for path in (linux, windows):
        done = subprocess.run([dump, path], capture_output=True, timeout=60)
        errors = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "ERROR" in line]
        if path == windows:  # whose source has no memory map
            errors = [line for line in errors if "GetMemoryInfoList() failed" not in line]
        assert errors == []
        for part in (b"MDRawThread", b"MDRawModule", b"MDRawSystemInfo", b"MDException"):
            assert part in done.stdout


def test_our_own_report_is_the_same(data: Path, tmp_path: Path) -> None:
    for name in ("null_write_x64.dmp", "deep_inline_x86.dmp"):
        for kind in ("full", "indirect", "mini"):
            before = mdmp.open_dump(data / "windows" / name)
            mdmp.save_dump(before, tmp_path / name, kind=kind)
            first = mdmp.analyze(before, images=[data / "windows"])
            second = mdmp.analyze(mdmp.open_dump(tmp_path / name), images=[data / "windows"])
            assert first.signature == second.signature
            assert [f.function for f in first.threads[0].frames] == [f.function for f in second.threads[0].frames]
