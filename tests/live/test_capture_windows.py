"""Programs that run under Wine, captured by Windows Python: what is seen of them, and that they notice nothing."""

import json
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from wine import PROGRAMS, Wine

import mdmp
from mdmp.snapshot import Thread

pytestmark = pytest.mark.wine
HERE = Path(__file__).resolve().parent
LLDB = next(filter(None, map(shutil.which, ("lldb-22", "lldb-19", "lldb"))), None)
PAGE_READWRITE, PAGE_GUARD = 0x4, 0x100
START = """
import subprocess, sys
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
print(program.pid, flush=True)
sys.stdin.read()
program.kill()
"""


class Target:
    """`captured_windows.py`, running."""

    def __init__(self, windows: Wine) -> None:
        self._process = windows.spawn("wine", windows.python, Wine.path(HERE / "captured_windows.py"))
        self.facts: dict[str, Any] = json.loads(self._line() or "{}")
        self.pid = str(self.facts["pid"])

    def _line(self) -> str:
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], 30)[0], "it stands still"
        return self._process.stdout.readline()

    def ask(self) -> dict[str, Any]:
        """How it is; waits while it stands still, but not for ever."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(json.loads(self._line()))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def target(windows: Wine) -> Iterator[Target]:
    target = Target(windows)
    yield target
    target.close()


@contextmanager
def started(windows: Wine, *command: str) -> Iterator[str]:
    """A Windows program that was started, by its number."""
    starter = windows.spawn("wine", windows.python, "-c", START, *command)
    assert starter.stdout is not None
    try:
        yield starter.stdout.readline().strip()
    finally:
        starter.communicate(timeout=20)


def capture(windows: Wine, pid: str, dump: Path, *options: str) -> str:
    done = windows.run_mdmp("capture", pid, "-o", Wine.path(dump), *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_unharmed(said: dict[str, Any]) -> bool:
    """Its threads run, but for the one that it suspended itself, and nobody touched its guard page."""
    ran = [count > 0 for count in said["ran"]]
    return ran == [True, True, False] and said["suspended"] == [0, 0, 1] and bool(said["guard"] & PAGE_GUARD)


@pytest.fixture(scope="module")
def full(windows: Wine, target: Target, tmp_path_factory: pytest.TempPathFactory) -> mdmp.Snapshot:
    path = tmp_path_factory.mktemp("full") / "full.dmp"
    said = capture(windows, target.pid, path, "--type", "full")
    assert "it stood still for" in said
    assert is_unharmed(target.ask())
    return mdmp.open_dump(path)


def by_tid(snapshot: mdmp.Snapshot) -> dict[int, Thread]:
    return {thread.tid: thread for thread in snapshot.threads or ()}


def test_its_threads(full: mdmp.Snapshot, target: Target) -> None:
    facts, threads = target.facts, by_tid(full)
    assert set(threads) == {facts["main"], *facts["tids"]}
    assert {str(tid): thread.teb for tid, thread in threads.items()} == facts["tebs"]
    workers = [threads[tid] for tid in facts["tids"]]
    assert [thread.name for thread in workers] == ["worker-0", "worker-1", "worker-2"]
    assert [thread.suspend_count for thread in workers] == [0, 0, 1]
    assert [thread.priority for thread in workers] == [0, -2, 0]
    for thread in threads.values():
        assert thread.context is not None
        assert thread.stack_start is not None
        assert thread.stack_size is not None
        sp = thread.context.registers["rsp"]
        assert thread.stack_start <= sp < thread.stack_start + thread.stack_size
        assert full.memory.word((thread.teb or 0) + 0x30, 8) == thread.teb
        assert full.module_at(thread.context.registers["rip"]) is not None
        assert full.module_at(thread.start_address or 0) is not None
        assert thread.create_time is not None
        assert thread.exit_time is None
        assert "mxcsr" in thread.context.vector


def test_its_modules(full: mdmp.Snapshot, target: Target) -> None:
    told = {(base, size, path.lower()) for base, size, path in target.facts["modules"]}
    modules = full.modules or ()
    assert {(module.base, module.size, module.path.lower()) for module in modules} == told
    assert modules[0].name == "python.exe"
    python = next(module for module in modules if re.fullmatch(r"python3\d+\.dll", module.name))
    assert python.debug is not None
    assert python.debug.path.endswith(".pdb")
    assert python.file_version is not None
    assert python.file_version.startswith("3.")
    assert all(module.timestamp is not None for module in modules)


def test_modules_that_are_gone(full: mdmp.Snapshot) -> None:
    """Wine 8 keeps no list of them."""
    assert full.unloaded_modules is not None
    names = [module.name.lower() for module in full.unloaded_modules]
    assert not names or "winmm.dll" in names
    assert all(module.size and module.timestamp for module in full.unloaded_modules)


def test_its_memory(full: mdmp.Snapshot, target: Target) -> None:
    facts = target.facts
    block = full.region_at(facts["block"])
    assert block is not None
    assert (block.start, block.size, block.protection, block.kind) == (facts["block"], 0x3000, "rw-", "private")
    assert block.allocation_base == facts["block"]
    assert full.memory.read(facts["block"], 16) == b"the first bytesZ"
    assert full.memory.read(facts["block"] + 0x2FFF, 1) == b"Z"
    guard, closed, reserved = (full.region_at(facts[name]) for name in ("guard", "closed", "reserved"))
    assert guard is not None
    assert closed is not None
    assert reserved is not None
    assert guard.guard
    assert (closed.state, closed.protection) == ("commit", "---")
    assert (reserved.state, reserved.protection) == ("reserve", "---")
    assert not full.memory.read_some(facts["guard"], 1)
    assert not full.memory.read_some(facts["closed"], 1)
    image = full.region_at((full.modules or ())[1].base)
    assert image is not None
    assert image.kind == "image"


def test_its_handles(full: mdmp.Snapshot, target: Target) -> None:
    handles = {handle.value: handle for handle in full.handles or ()}
    mutex, event = handles[target.facts["mutex"]], handles[target.facts["event"]]
    assert mutex.type_name == "Mutant"
    assert (mutex.object_name or "").endswith("\\mdmp test mutex")
    assert (event.type_name, event.object_name, event.handle_count) == ("Event", None, 1)


def test_the_process_and_the_system(full: mdmp.Snapshot, target: Target, windows: Wine) -> None:
    process, system = full.process, full.system
    assert process.pid == target.facts["pid"]
    assert process.create_time is not None
    assert full.origin.time is not None
    assert 0 <= (full.origin.time - process.create_time).total_seconds() < 300
    assert process.integrity_level
    assert process.command_line is not None
    assert "captured_windows.py" in process.command_line
    assert b"WINEPREFIX=" in full.annotations.texts["environ"]
    assert process.vm_counters["working_set"] > 1 << 20
    assert (system.os, system.cpu) == ("windows", "amd64")
    assert f" {system.os_version}" in windows.run("wine", "cmd", "/c", "ver").stdout
    assert system.cpu_count
    assert system.memory["physical"] > 1 << 27


@pytest.mark.parametrize("kind", ["mini", "triage", "indirect", "heap", "0x121"])
def test_a_dump_of_each_type(kind: str, windows: Wine, target: Target, tmp_path: Path) -> None:
    capture(windows, target.pid, tmp_path / "a.dmp", "--type", kind)
    assert is_unharmed(target.ask())
    dump = mdmp.open_dump(tmp_path / "a.dmp")
    assert not dump.issues
    threads = by_tid(dump)
    assert set(threads) == {target.facts["main"], *target.facts["tids"]}
    for thread in threads.values():
        assert thread.context is not None
        assert dump.memory.word(thread.context.registers["rsp"], 8) is not None
        assert thread.last_error is not None
    assert (dump.process.command_line is not None) == (kind == "0x121")
    assert bool(dump.memory.read_some(target.facts["block"], 1)) == (kind == "heap")
    assert bool(dump.memory.read_some(target.facts["environment"], 1)) == (kind == "0x121")


def test_its_stacks(windows: Wine, tmp_path: Path) -> None:
    """Of two threads that wait for each other; LLDB finds the same frames."""
    system = windows.prefix / "drive_c" / "windows" / "system32"
    with started(windows, Wine.path(PROGRAMS / "faults.exe"), "deadlock") as pid:
        time.sleep(1)
        capture(windows, pid, tmp_path / "a.dmp", "--type", "mini")
        capture(windows, pid, tmp_path / "wine.dmp", "--type", "mini", "--writer", "dbghelp")
    dump = mdmp.open_dump(tmp_path / "a.dmp")
    report = mdmp.analyze(dump, symbols=[PROGRAMS], images=[PROGRAMS, system])
    names = [[frame.function for frame in thread.frames if frame.module] for thread in report.threads]
    assert [name for name in names[0] if name in ("take_both", "deadlock", "main")] == ["take_both", "deadlock", "main"]
    assert [name for name in names[1] if name in ("take_both", "write_journal")] == ["take_both", "write_journal"]
    assert all(frame.trust in ("context", "cfi") for thread in report.threads for frame in thread.frames)

    wine = mdmp.open_dump(tmp_path / "wine.dmp")
    ours, theirs = by_tid(dump), by_tid(wine)
    assert set(ours) == set(theirs)
    for tid, thread in ours.items():
        assert thread.context is not None
        other = theirs[tid].context
        assert other is not None
        assert thread.context.registers["rsp"] == other.registers["rsp"]
        assert thread.context.registers["rip"] == other.registers["rip"]
        assert thread.teb == theirs[tid].teb
    loaded = {module.base: module for module in wine.modules or () if module.os == "windows"}
    assert {module.base for module in dump.modules or ()} == set(loaded)
    for module in dump.modules or ():
        other_module = loaded[module.base]
        assert module.size == other_module.size
        assert module.timestamp == other_module.timestamp
        assert module.path.lower() == other_module.path.lower()

    if LLDB is None:
        return
    folders = f"settings set target.exec-search-paths {PROGRAMS} {system}"
    said = subprocess.run(
        [LLDB, "--batch", "-O", folders, "-c", tmp_path / "a.dmp", "-o", "bt all"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    ).stdout
    walked = [re.findall(r"frame #\d+: 0x([0-9a-f]+) (\S+?)`?(?:\s|`|$)", part) for part in said.split("thread #")[1:]]
    assert len(walked) == len(report.threads)
    for thread, frames in zip(report.threads, walked, strict=True):
        # Inlined functions have an address of their own there.
        found = [name for name, _ in groupby(frame.module for frame in thread.frames if frame.module)]
        assert [name for name, _ in groupby(module.partition("`")[0] for _, module in frames)] == found


def test_a_copy_of_the_process(windows: Wine, target: Target, tmp_path: Path) -> None:
    done = windows.run_python(
        Wine.path(HERE / "copying_windows.py"), target.pid, "-o", Wine.path(tmp_path / "a.dmp"), "--type", "mini"
    )
    assert done.returncode == 0, done.stderr
    assert "read from a copy of its memory while it went on; it stood still for" in done.stdout
    assert "freed" in done.stdout
    dump = mdmp.open_dump(tmp_path / "a.dmp")
    threads = by_tid(dump)
    assert set(threads) == {target.facts["main"], *target.facts["tids"]}
    assert {str(tid): thread.teb for tid, thread in threads.items()} == target.facts["tebs"]
    assert [threads[tid].name for tid in target.facts["tids"]] == ["worker-0", "worker-1", "worker-2"]
    assert [threads[tid].suspend_count for tid in target.facts["tids"]] == [0, 0, 1]
    assert is_unharmed(target.ask())


def test_a_capture_that_is_killed_lets_the_process_go(windows: Wine) -> None:
    target = Target(windows)
    try:
        holder = windows.spawn("wine", windows.python, Wine.path(HERE / "holding_windows.py"), target.pid)
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "4"
        holder.kill()
        holder.communicate(timeout=20)
        assert is_unharmed(target.ask())
    finally:
        target.close()


def test_a_process_of_another_user(windows: Wine, target: Target, tmp_path: Path) -> None:
    script = Wine.path(HERE / "refusing_windows.py")
    done = windows.run_python(script, target.pid, "-o", Wine.path(tmp_path / "a.dmp"), "--type", "mini")
    assert done.returncode == 0, done.stderr
    dump = mdmp.open_dump(tmp_path / "a.dmp")
    assert dump.process.integrity_level
    threads = {thread.tid: thread for thread in dump.threads or ()}
    assert [threads[tid].name for tid in target.facts["tids"]] == ["worker-0", "worker-1", "worker-2"]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("with mdmp.capture_process(999996): pass", "there is no process 999996"),
        ("with mdmp.capture_process(-4): pass", "there is no process -4"),
        ("with mdmp.capture_process((1 << 32) + 8): pass", "there is no process 4294967304"),
        ("with mdmp.capture_process(os.getpid()): pass", "a process cannot capture itself"),
    ],
)
def test_what_cannot_be_captured(script: str, problem: str, windows: Wine) -> None:
    done = windows.run_python("-c", f"import os, mdmp\ntry:\n    {script}\nexcept mdmp.UsageError as e: print(e)")
    assert done.stdout.strip() == problem, done.stderr


def test_a_32_bit_program(windows_of_both_widths: Wine, tmp_path: Path) -> None:
    with started(windows_of_both_widths, Wine.path(PROGRAMS / "faults32.exe"), "deadlock") as pid:
        time.sleep(1)
        capture(windows_of_both_widths, pid, tmp_path / "a.dmp", "--type", "heap")
    dump = mdmp.open_dump(tmp_path / "a.dmp")
    assert dump.system.cpu == "x86"
    report = mdmp.analyze(dump, symbols=[PROGRAMS], images=[PROGRAMS])
    names = [frame.function for frame in report.threads[0].frames]
    assert "take_both" in names
    assert names[names.index("deadlock") :][:2] == ["deadlock", "main"]
    assert [thread.name for thread in dump.threads or ()] == [None, "journal"]
