"""`mdmp run` with triggers that are no crashes: the dumps are there, and the program hardly notices."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

import mdmp
from mdmp.snapshot import Snapshot

if sys.platform != "linux":
    pytest.skip("these are processes of Linux", allow_module_level=True)

SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
ONLY_PARENTS_TRACE = SCOPE.exists() and SCOPE.read_text().strip() != "0" and os.geteuid() != 0
HEAD = """\
import glob, os, pathlib, signal, subprocess, sys, threading, time
kept = []

def dumps():
    return glob.glob(os.environ["MDMP_DUMP_FOLDER"] + "/*.dmp")

def until(number, rest):
    '''Until there are so many dumps: the machine may be slow.'''
    end = time.monotonic() + 40
    while len(dumps()) < number and time.monotonic() < end:
        rest()
"""
BUSY = "until(2, lambda: None)"
WAITS = "until(1, lambda: time.sleep(0.1))"


@dataclass
class Ran:
    code: int
    output: str
    messages: str
    dumps: list[Snapshot]

    @property
    def faults(self) -> list[str]:
        return [dump.annotations.process["mdmp.fault"] for dump in self.dumps]

    @property
    def texts(self) -> list[str]:
        return [dump.annotations.process["mdmp.fault.text"] for dump in self.dumps]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    settings = {"TYPE": "mini", "LOG": "false", "NOTICE": "none", "MIN_FREE": "0", "REPEAT": "0"}
    settings["FOLDER"] = str(tmp_path / "dumps")
    return os.environ | {f"MDMP_DUMP_{key}": value for key, value in settings.items()}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Ran]:
    folder = tmp_path / "dumps"

    def run(options: str, text: str, end: str = "print('done'); sys.exit(7)") -> Ran:
        program = f"{HEAD}\n{text}\n{end}\n"
        done = subprocess.run(
            [sys.executable, "-m", "mdmp", "run", *options.split(), "--", sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
        dumps = [mdmp.open_dump(path) for path in folder.glob("*.dmp")] if folder.exists() else []
        for dump in dumps:
            assert not dump.issues and dump.threads and dump.modules
            assert dump.annotations.process["mdmp.trigger"] == "run"
        return Ran(done.returncode, done.stdout, done.stderr, sorted(dumps, key=lambda dump: dump.origin.time))  # type: ignore[arg-type, return-value]

    return run


def unharmed(ran: Ran) -> bool:
    return (ran.code, ran.output) == (7, "done\n")


def test_processor_time(run: Callable[..., Ran]) -> None:
    ran = run("--cpu 1:0.5 -n 2 -s 1", BUSY)
    assert unharmed(ran) and ran.faults == ["cpu", "cpu"]
    assert all(text.startswith("processor time ") and text.endswith(" % over 1 % for 0.5 s") for text in ran.texts)
    times = [dump.origin.time for dump in ran.dumps]
    assert all((after - before).total_seconds() > 0.9 for before, after in pairwise(times) if before and after)


def test_number(run: Callable[..., Ran]) -> None:
    ran = run("--cpu-below 50:0.2 -n 3 -s 0.2", "until(3, lambda: time.sleep(0.5))\ntime.sleep(1)")
    assert unharmed(ran) and ran.faults == ["cpu"] * 3


def test_memory(run: Callable[..., Ran]) -> None:
    ran = run("--memory 100M", f"kept.append(bytearray(b'1' * 120_000_000))\n{WAITS}")
    assert unharmed(ran) and ran.faults == ["memory"] and ran.texts[0].endswith(" over 100.0 MiB")


def test_memory_below(run: Callable[..., Ran]) -> None:
    ran = run("--memory-below 100M:0.5", WAITS)
    assert unharmed(ran) and ran.faults == ["memory"]


def test_threads(run: Callable[..., Ran]) -> None:
    threads = "for _ in range(5): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    ran = run("--threads 6", f"{threads}\n{WAITS}")
    assert unharmed(ran) and ran.texts == ["threads 6 reached 6"]
    assert len(ran.dumps[0].threads or ()) == 6


def test_files(run: Callable[..., Ran]) -> None:
    ran = run("--handles 30", f"for _ in range(40): kept.append(open('/dev/null'))\n{WAITS}")
    assert unharmed(ran) and ran.faults == ["handles"] and ran.texts[0].endswith("over 30")


def test_no_progress(run: Callable[..., Ran]) -> None:
    ran = run("--hang 1", WAITS)
    assert unharmed(ran) and ran.texts == ["no progress (it used no processor time) for 1 s"]
    assert not run("--hang 3", "end = time.monotonic() + 5\nwhile time.monotonic() < end: pass").dumps[1:]


def test_heartbeat(run: Callable[..., Ran], tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    touch = f"pathlib.Path({str(beat)!r}).touch()"
    ran = run(f"--heartbeat {beat} --hang 1", f"for _ in range(15): {touch}; time.sleep(0.1)\n{WAITS}")
    assert unharmed(ran) and ran.texts == [f"no heartbeat in {beat} for 1 s"]
    moment = ran.dumps[0].origin.time  # in whole seconds
    assert moment and moment.timestamp() - beat.stat().st_mtime > 0


@pytest.mark.parametrize("disposition", ["signal.SIG_IGN", "lambda *_: print('heard', flush=True)"])
def test_a_signal(run: Callable[..., Ran], disposition: str) -> None:
    ran = run(
        "--signal USR1 -n 2", f"signal.signal(signal.SIGUSR1, {disposition})\nos.kill(os.getpid(), signal.SIGUSR1)"
    )
    heard = "heard" in disposition
    assert (ran.code, ran.output) == (7, "heard\ndone\n" if heard else "done\n")
    # The kernel tells a debugger also of one that the program ignores.
    assert ran.faults == ["signal"]
    assert [record.code for record in ran.dumps[0].exceptions] == [signal.SIGUSR1]


def test_a_signal_that_kills(run: Callable[..., Ran]) -> None:
    ran = run("--signal USR1 --no-crash", "os.kill(os.getpid(), signal.SIGUSR1)\ntime.sleep(5)")
    assert ran.code == 128 + signal.SIGUSR1 and ran.faults == ["signal"]


@pytest.mark.parametrize(("asked", "dumps"), [("7", ["exit"]), ("any", ["exit"]), ("8", [])])
def test_exit_code(run: Callable[..., Ran], asked: str, dumps: list[str]) -> None:
    ran = run(f"--exit-code {asked}", "")
    assert unharmed(ran) and ran.faults == dumps


def test_no_crash(run: Callable[..., Ran]) -> None:
    crash = "import ctypes; sys.stdout.flush(); ctypes.string_at(0)"
    ran = run("--no-crash --memory 50G", "", crash)
    assert ran.code == 128 + signal.SIGSEGV and not ran.dumps
    ran = run("", "", crash)
    assert ran.code == 128 + signal.SIGSEGV and ran.faults == ["access_violation"]


def test_a_crash_is_not_held_back_by_spacing(run: Callable[..., Ran]) -> None:
    wait = f"{WAITS}; time.sleep(1.1)"  # a dump's time is in whole seconds
    ran = run("--hang 0.5 -n 2 -s 100", wait, "import ctypes; ctypes.string_at(0)")
    assert ran.faults == ["hang", "access_violation"]


def test_children_too(run: Callable[..., Ran]) -> None:
    child = "subprocess.run([sys.executable, '-c', 'import ctypes; ctypes.string_at(0)'])"
    ran = run("", child)
    assert unharmed(ran) and not ran.dumps
    ran = run("--follow", child)
    assert unharmed(ran) and ran.faults == ["access_violation"]


@pytest.mark.skipif(ONLY_PARENTS_TRACE, reason="only root may trace here (kernel.yama.ptrace_scope)")
def test_a_process_that_runs_already(tmp_path: Path, environment: dict[str, str]) -> None:
    """It is let go after the last dump, and goes on."""
    command = [sys.executable, "-c", "while not input(): pass"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        options = ("--cpu-below", "50:0.3", "-n", "2", "-s", "0.3")
        attach = [sys.executable, "-m", "mdmp", "attach", str(process.pid), *options]
        subprocess.run(attach, env=environment, check=True, timeout=30, capture_output=True)
        dumps = [mdmp.open_dump(path) for path in (tmp_path / "dumps").glob("*.dmp")]
        facts = [dump.annotations.process for dump in dumps]
        assert [(fact["mdmp.fault"], fact["mdmp.trigger"]) for fact in facts] == [("cpu", "attach")] * 2
        assert "TracerPid:\t0\n" in Path(f"/proc/{process.pid}/status").read_text()
        process.communicate("\n\nend\n", timeout=10)
        assert process.returncode == 0
