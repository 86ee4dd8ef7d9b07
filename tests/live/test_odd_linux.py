"""Programs in states that few programs are in: they are captured, and live, as any other."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from copies import CAN_COPY, needs_copy

import mdmp
from mdmp.report import Report

postmortem = pytest.importorskip("postmortem", reason="these are programs of Linux", exc_type=ImportError)
SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="these are programs of Linux"),
    pytest.mark.skipif(SCOPE.exists() and SCOPE.read_text().strip() == "3", reason="nobody may trace here"),
    pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler (cc)"),
]
only_parents = pytest.mark.skipif(
    SCOPE.exists() and SCOPE.read_text().strip() != "0" and getattr(os, "geteuid", int)() != 0,
    reason="only parents may trace here",
)
SOURCE = Path(__file__).with_name("odd_linux.c")
SETTINGS = {"NOTICE": "none", "LOG": "no", "REPEAT": "0", "MIN_FREE": "0"}
ENVIRONMENT = {**os.environ, **{f"MDMP_DUMP_{name}": value for name, value in SETTINGS.items()}}
CRASH_LINE = next(n for n, text in enumerate(SOURCE.read_text().splitlines(), 1) if "/* crash */" in text)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "odd"
    subprocess.run(["cc", "-g", "-O1", "-pthread", str(SOURCE), "-o", str(path)], check=True)
    return path


@pytest.fixture
def start(program: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started = []

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([program, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run(program: Path, name: str, dumps: Path, status: int, kind: str = "") -> tuple[Report, Path]:
    """Under `mdmp run`; what the one dump says, and the dump."""
    command = [sys.executable, "-m", "mdmp.cli", "run", "-o", str(dumps), "--", str(program), name]
    environment = {**ENVIRONMENT, "MDMP_DUMP_TYPE": kind} if kind else ENVIRONMENT
    done = subprocess.run(
        command, input="go\n", env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, done.stderr
    (path,) = dumps.glob("*.dmp")
    snapshot = mdmp.open_dump(path)
    assert snapshot.issues == ()
    return mdmp.analyze(snapshot, images=["/"]), path


def check_crash(report: Report) -> None:
    assert report.crashing_thread is not None
    thread = report.threads[report.crashing_thread]
    assert (thread.frames[0].function, thread.frames[0].line) == ("crash", CRASH_LINE)


def test_the_main_thread_has_ended(program: Path, tmp_path: Path) -> None:
    report, path = run(program, "main_ended", tmp_path, 128 + signal.SIGSEGV)
    check_crash(report)
    snapshot = mdmp.open_dump(path)
    assert (snapshot.modules or ())[0].path == str(program)
    assert snapshot.auxv and snapshot.handles and snapshot.linker
    assert path.name.startswith("odd.")


def test_a_dump_is_explained_where_it_was_made(program: Path, tmp_path: Path) -> None:
    _, path = run(program, "main_ended", tmp_path, 128 + signal.SIGSEGV)
    snapshot = mdmp.open_dump(path)
    check_crash(mdmp.analyze(snapshot))
    elsewhere = replace(snapshot, system=replace(snapshot.system, os_build="Linux 6.1.0 #1 SMP x86_64"))
    report = mdmp.analyze(elsewhere)
    assert report.crashing_thread is not None
    assert report.threads[report.crashing_thread].frames[0].function is None


@pytest.mark.skipif(postmortem.why_not() is not None, reason="only root may set core_pattern")
def test_the_main_thread_has_ended_and_nobody_watches(program: Path) -> None:
    with postmortem.machine(), postmortem.Handler() as handler:
        entry = handler.crash([handler.program(program), "main_ended", "now"])
        assert "dump" in entry, entry
        snapshot = mdmp.open_dump(entry["dump"])
        assert snapshot.auxv and snapshot.modules and (snapshot.modules[0].path == str(handler.program(program)))
        check_crash(mdmp.analyze(snapshot))


@only_parents
def test_capture_without_a_main_thread(start: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("main_ended")
    with mdmp.capture_process(process.pid) as snapshot:
        assert [issue.place for issue in snapshot.issues] == ([] if CAN_COPY else ["copy"])
        assert (snapshot.origin.held is not None) == CAN_COPY
        assert len(snapshot.threads or ()) == 1 and snapshot.modules
        mdmp.save_dump(snapshot, tmp_path / "x.dmp")
    process.communicate("go\n", timeout=10)
    assert process.returncode == -signal.SIGSEGV


@only_parents
@needs_copy
def test_threads_that_a_filter_watches_are_not_used(start: Callable[[str], subprocess.Popen[str]]) -> None:
    process = start("filtered_threads")
    with mdmp.capture_process(process.pid) as snapshot:
        assert snapshot.issues == ()
        assert len(snapshot.threads or ()) == 4
    assert process.poll() is None


@only_parents
@needs_copy
def test_a_program_that_becomes_another_keeps_no_copies(start: Callable[[str], subprocess.Popen[str]]) -> None:
    process = start("reborn")
    copies = 0
    for _ in range(60):
        with mdmp.capture_process(process.pid) as snapshot:
            copies += snapshot.origin.held is not None
    assert copies > 50
    assert Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() == ""


def test_threads_that_crash_at_once(program: Path, tmp_path: Path) -> None:
    others = 0
    for attempt in range(4):
        report, path = run(program, "all_crash", tmp_path / str(attempt), 128 + signal.SIGSEGV)
        check_crash(report)
        snapshot = mdmp.open_dump(path)
        assert len(snapshot.exceptions) == 1, "neither LLDB 19 nor Breakpad opens a dump with two"
        others += sum("was about to get SIGSEGV, too" in comment for comment in snapshot.annotations.comments)
    assert others


@only_parents
def test_threads_are_born_meanwhile(start: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("restless")
    for _ in range(4):
        attach = subprocess.Popen(
            [sys.executable, "-m", "mdmp.cli", "attach", "-o", str(tmp_path), str(process.pid)],
            env=ENVIRONMENT,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_tracer(process.pid)
        time.sleep(0.2)
        attach.send_signal(signal.SIGINT)
        assert (attach.communicate(timeout=20)[1], attach.returncode, process.poll()) == ("", 0, None)
    attach = subprocess.Popen(attach.args, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    wait_for_tracer(process.pid)
    process.communicate("go\n", timeout=20)
    assert process.returncode == -signal.SIGSEGV
    assert attach.communicate(timeout=20)[1].count("SIGSEGV") == 1
    (path,) = tmp_path.glob("*.dmp")
    check_crash(mdmp.analyze(mdmp.open_dump(path)))


def wait_for_tracer(pid: int) -> None:
    deadline = time.monotonic() + 10
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_by_a_filter(program: Path, tmp_path: Path) -> None:
    report, path = run(program, "filter_kills", tmp_path, 128 + signal.SIGSYS)
    snapshot = mdmp.open_dump(path)
    assert snapshot.annotations.process["mdmp.fault"] == "bad_system_call"
    (exception,) = snapshot.exceptions
    assert exception.context is not None
    assert (exception.code, exception.flags) == (signal.SIGSYS, 1)
    assert exception.address == exception.context.registers["rip"]
    assert "main" in [frame.function for frame in report.threads[0].frames]


def test_memory_that_was_never_used_is_left_out(program: Path, tmp_path: Path) -> None:
    for options in ("heap", "full"):
        dumps = tmp_path / options
        environment = {**ENVIRONMENT, "MDMP_DUMP_TYPE": options}
        command = [sys.executable, "-m", "mdmp.cli", "run", "-o", str(dumps), "--", str(program), "sparse"]
        done = subprocess.run(
            command, input="go\n", env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        (path,) = dumps.glob("*.dmp")
        assert path.stat().st_size < 1 << 28
        snapshot = mdmp.open_dump(path)
        start = int(done.stdout.split()[0], 16)
        for index in range(16):
            assert snapshot.memory.read(start + (index << 38) + 4096, 9) == b"some text"
        check_crash(mdmp.analyze(snapshot, images=["/"]))


def test_an_overflow_whose_handler_has_another_stack(program: Path, tmp_path: Path) -> None:
    for kind in ("", "triage"):
        report, path = run(program, "overflow_told", tmp_path / f"dumps{kind}", 128 + signal.SIGABRT, kind)
        snapshot = mdmp.open_dump(path)
        facts = snapshot.annotations.process
        assert (facts["mdmp.fault"], facts["mdmp.decision[0]"].split()[1]) == ("stack_overflow", kind or "mini")
        (exception,) = snapshot.exceptions
        assert exception.context is not None
        assert snapshot.memory.read_some(exception.context.registers["rsp"] + 4096, 16384)
        if not kind:
            assert {frame.function for frame in report.threads[0].frames[:50]} == {"recurse"}


def test_a_program_without_a_build_id(tmp_path: Path) -> None:
    program = tmp_path / "plain"
    command = ["cc", "-g", "-O1", "-pthread", "-Wl,--build-id=none", str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True)
    report, path = run(program, "main_ended", tmp_path / "dumps", 128 + signal.SIGSEGV)
    check_crash(report)
    module = (mdmp.open_dump(path).modules or ())[0]
    assert module.debug is not None
    assert module.debug.signature == breakpads_hash(program)


def breakpads_hash(program: Path) -> bytes:
    """As its HashElfTextSection does it: whole blocks, whatever stands behind the section."""
    table = subprocess.run(["readelf", "-SW", str(program)], capture_output=True, text=True, check=True).stdout
    (row,) = (line.split() for line in table.splitlines() if " .text " in line)
    at = row.index(".text")
    start, size = int(row[at + 3], 16), min(int(row[at + 4], 16), 4096)
    raw, found = program.read_bytes(), [0] * 16
    for block in range(start, start + size, 16):
        found = [old ^ new for old, new in zip(found, raw[block : block + 16], strict=True)]
    return bytes(found)
