"""Processes of this machine that use much, or nothing: what is sampled of them, and what fires."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mdmp.monitor.watch.conditions import Condition
from mdmp.monitor.watch.quota import Quota
from mdmp.monitor.watch.watcher import Firing, Watcher

if sys.platform != "linux":
    pytest.skip("these are processes of Linux", allow_module_level=True)

from mdmp.monitor.linux.sample import LinuxSampler

IDLE = "sys.stdin.read()"
BUSY = "while True: pass"
THREAD = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
USED = "kept = [open('/dev/null') for _ in range(20)], bytearray(b'1' * 50_000_000)"
GROWS = "while True: kept.append((bytearray(b'1' * 4_000_000), open('/dev/null'))); time.sleep(0.02)"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Python with a text: `ready` is printed, and waited for, after the first part."""
    children: list[subprocess.Popen[str]] = []

    def run(first: str, then: str) -> subprocess.Popen[str]:
        text = f"import pathlib, sys, threading, time\nkept = []\n{first}\nprint('ready', flush=True)\n{then}"
        child = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def watch(pid: int, *conditions: Condition, quota: Quota | None = None, timeout: float = 20.0) -> Firing | None:
    watcher = Watcher(conditions, LinuxSampler(pid, conditions), quota or Quota(1, 0.0))
    end = time.monotonic() + timeout
    while (now := time.monotonic()) < end:
        if firing := watcher.look(now):
            return firing
        time.sleep(min(watcher.due(time.monotonic()), 0.5))
    return None


def test_what_a_sample_says(start: Start) -> None:
    child = start(f"{USED}\nfor _ in range(3): {THREAD}", IDLE)
    sample = LinuxSampler(child.pid, [Condition("handles", 100)])()
    assert sample is not None
    status = Path(f"/proc/{child.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) * 1024
    assert sample.memory is not None and abs(sample.memory - resident) < 4 << 20 and resident > 50_000_000
    assert sample.threads == 4
    assert sample.handles == 23 == len(os.listdir(f"/proc/{child.pid}/fd"))
    assert sample.cpu_time is not None and 0 < sample.cpu_time < 10
    assert abs(sample.time - time.monotonic()) < 5
    assert files(child.pid) is None


def files(pid: int, *conditions: Condition) -> int | None:
    sample = LinuxSampler(pid, conditions)()
    assert sample is not None
    return sample.handles


def test_an_ended_process_is_gone_also_before_it_is_waited_for(start: Start) -> None:
    child = start("", "")
    sampler = LinuxSampler(child.pid, [Condition("handles", 1)])
    end = time.monotonic() + 10
    while sampler() is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert sampler() is None and child.returncode is None
    child.wait(10)
    assert sampler() is None


def test_files_are_counted_where_the_kernel_does_not_tell(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    child = start(USED, IDLE)
    monkeypatch.setattr("os.stat", lambda path: os.stat_result([0] * 10))
    assert files(child.pid, Condition("handles", 100)) == 23
    assert files(child.pid, Condition("handles", 8)) == 17, "no further than needed"


def test_a_sample_is_cheap(start: Start) -> None:
    sampler = LinuxSampler(start("", IDLE).pid, [Condition("handles", 100)])
    best = 1.0
    for _ in range(50):
        began = time.perf_counter()
        sampler()
        best = min(best, time.perf_counter() - began)
    assert best < 0.001


def test_a_busy_loop(start: Start) -> None:
    firing = watch(start("", BUSY).pid, Condition("cpu", 20, lasting=0.5))
    assert firing is not None and firing.text.endswith("% over 20 % for 0.5 s")
    assert not watch(start("", IDLE).pid, Condition("cpu", 20, lasting=0.5), timeout=2)


def test_growing_memory_and_files(start: Start) -> None:
    child = start("", GROWS)
    firing = watch(child.pid, Condition("memory", 100 << 20))
    assert firing is not None and firing.text.startswith("memory 1") and firing.text.endswith(" MiB over 100.0 MiB")
    firing = watch(child.pid, Condition("handles", 40))
    assert firing is not None and firing.condition.kind == "handles"


def test_threads(start: Start) -> None:
    firing = watch(start("", f"while True: {THREAD}; time.sleep(0.1)").pid, Condition("threads", 8))
    assert firing is not None and firing.text == "threads 8 reached 8"


def test_a_hang_and_a_heartbeat(start: Start, tmp_path: Path) -> None:
    assert watch(start("", IDLE).pid, Condition("hang", 1)) is not None
    assert watch(start("", BUSY).pid, Condition("hang", 1), timeout=2) is None
    beat = tmp_path / "beat"
    beats = f"for _ in range(20): pathlib.Path({str(beat)!r}).touch(); time.sleep(0.1)"
    child = start("", f"{beats}\n{BUSY}")
    began = time.monotonic()
    firing = watch(child.pid, Condition("hang", 1, heartbeat=str(beat)))
    assert firing is not None and firing.text == f"no heartbeat in {beat} for 1 s"
    assert time.monotonic() - began > 2.5
