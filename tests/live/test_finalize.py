"""From fault to finished dump by many real processes at once, killed ones, and on full disks."""

import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from keeping import NAME, keep

import mdmp
from mdmp.api import write_report_beside
from mdmp.dumpfile.part_file import PartFile
from mdmp.dumpfile.save import save
from mdmp.monitor.finalize import event_log
from mdmp.monitor.finalize.describe import describe
from mdmp.monitor.policy.settings import Circumstances, Decision, Settings
from mdmp.snapshot import Origin, Snapshot, System, Thread

posix = pytest.mark.skipif(os.name == "nt", reason="signals, limits and links of POSIX")
HERE = str(Path(__file__).resolve().parent)
KEEP = """
import sys
sys.path.insert(0, {here!r})
from keeping import keep
"""


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KEEP.format(here=HERE) + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".mdmp-history")


def mark_of(path: Path) -> int:
    """Checks that a dump is whole and of one writer."""
    found = mdmp.open_dump(path)
    assert found.issues == () and found.threads
    mark = found.threads[0].tid
    assert found.memory.read(0x10000, 1 << 16) == bytes([mark]) * (1 << 16)
    return mark


def test_one_dump(tmp_path: Path) -> None:
    outcome = keep(tmp_path / "new" / "dumps", log=False)
    assert outcome.problem is None and outcome.saved and outcome.notes == ()
    path = tmp_path / "new" / "dumps" / f"{NAME}.dmp"
    assert outcome.saved.path == str(path)
    assert mark_of(path) == 1
    assert describe(outcome).startswith(f"shop (pid 4711): SIGSEGV at 0x18; dump {path} (6")


def run_at_once(folder: Path, count: int, settings: str) -> list[str]:
    """All begin at the same moment. What each says of its dump."""
    code = f"""
import os, sys
ready, go = os.pipe()
for mark in range(1, {count} + 1):
    if os.fork() == 0:
        os.close(go)
        os.read(ready, 1)
        outcome = keep({str(folder)!r}, mark=mark, {settings})
        told = [outcome.saved.path if outcome.saved else outcome.problem, *outcome.notes]
        with open(f"{folder.parent}/told.{{mark}}", "w") as file:
            file.write("\\n".join(told))
        os._exit(0)
os.close(go)
print([os.wait()[1] for _ in range({count})].count(0))
"""
    out, err = start(code).communicate(timeout=120)
    assert out == f"{count}\n", err
    return [(folder.parent / f"told.{mark}").read_text() for mark in range(1, count + 1)]


@posix
def test_fifty_at_the_same_moment_with_the_same_name(tmp_path: Path) -> None:
    """No dump is lost, none is mixed up with another."""
    folder = tmp_path / "dumps"
    told = run_at_once(folder, 50, "count=50, log=False")
    wanted = {f"{NAME}.dmp", *(f"{NAME}.{number}.dmp" for number in range(2, 51))}
    assert set(names(folder)) == wanted
    for mark, text in enumerate(told, 1):
        path, *notes = text.split("\n")
        assert notes == []
        assert mark_of(Path(path)) == mark


@posix
def test_fifty_at_the_same_moment_and_room_for_ten(tmp_path: Path) -> None:
    """Exactly the ten newest stay, though nobody waits for anybody."""
    folder = tmp_path / "dumps"
    told = run_at_once(folder, 50, "count=10, log=False")
    assert all(text.startswith(str(folder / NAME)) for text in told)
    assert "cannot" not in "".join(told) and "bug" not in "".join(told)
    left = names(folder)
    assert len(left) == 10
    marks = [mark_of(folder / name) for name in left]
    assert len(set(marks)) == 10
    assert not any(name.endswith(".part") for name in left)


@posix
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """No file under a final name that is not whole; the next run removes what was left."""
    code = f"""
print("ready", flush=True)
for number in range(1000):
    keep({str(tmp_path)!r}, size=4 << 20, count=3, log=False, report=True)
"""
    for _ in range(int(os.environ.get("MDMP_KILLS", "10"))):
        child = start(code)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(random.uniform(0, 0.5))
        child.kill()
        child.communicate()
        for name in names(tmp_path):
            assert re.fullmatch(rf"{NAME}(\.\d+)?\.dmp(\.txt)?(\.\d+-[0-9a-f]+\.part)?", name)
            if name.endswith(".dmp"):
                mark_of(tmp_path / name)
    outcome = keep(tmp_path, count=1, log=False)
    assert outcome.saved and names(tmp_path) == [os.path.basename(outcome.saved.path)]


@posix
def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files stands for it. The dump is lost, and told as lost; old ones stay."""
    keep(tmp_path, log=False)
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
outcome = keep({str(tmp_path)!r}, size=8 << 20, count=1, log=False)
print(outcome.saved, outcome.problem)
"""
    out, err = start(code).communicate(timeout=60)
    assert out.startswith("None cannot write ") and "File too large" in out, err
    assert names(tmp_path) == [f"{NAME}.dmp"]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_gets_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdmp.monitor.policy.decide.look_up", lambda *_: Circumstances())
    disk, rest = tmp_path / "disk", tmp_path / "disk" / "the rest"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")

    def fill(left: int) -> None:
        rest.write_bytes(bytes(os.statvfs(disk).f_bavail * 4096 - left))

    try:
        assert keep(disk, log=False).saved
        outcome = keep(disk, size=2 << 20, meanwhile=lambda: fill(1 << 20), log=False, report=True)
        assert outcome.saved is None and outcome.problem and "No space left on device" in outcome.problem
        assert names(disk) == [f"{NAME}.dmp", "the rest"]
        rest.unlink()
        outcome = keep(disk, size=1 << 20, meanwhile=lambda: fill((1 << 20) + 4096), log=False, report=True)
        assert outcome.saved, outcome.problem
        assert any("No space left on device" in note for note in outcome.notes), outcome.notes
        assert names(disk) == [f"{NAME}.2.dmp", f"{NAME}.dmp", "the rest"]
        assert mark_of(disk / f"{NAME}.2.dmp")
    finally:
        subprocess.run(["umount", disk], check=True)


@posix
def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for mark in (1, 2):
        assert keep(tmp_path, mark=mark, log=False).saved
    assert [mark_of(tmp_path / name) for name in (f"{NAME}.dmp", f"{NAME}.2.dmp")] == [1, 2]


def test_a_bad_template_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(name="{program}-{nothing}.dmp", log=False, notice=())
    monkeypatch.setattr("mdmp.monitor.one_fault.decide", lambda *_: Decision("full", settings, str(tmp_path)))
    outcome = keep(tmp_path)
    assert outcome.saved and os.path.basename(outcome.saved.path) == f"{NAME}.dmp"
    assert len(outcome.notes) == 1 and "{nothing}" in outcome.notes[0]


def test_a_report_that_was_kept_is_not_taken_for_one_on_the_next_dump(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.dmp.html").write_text("kept")
    outcome = keep(tmp_path, log=False)
    assert outcome.saved and outcome.saved.path == str(tmp_path / f"{NAME}.2.dmp")


def test_a_report_beside_it(tmp_path: Path) -> None:
    outcome = keep(tmp_path, report=True, log=False)
    assert outcome.saved and outcome.notes == (f"report: {outcome.saved.path}.txt",)
    report = Path(f"{outcome.saved.path}.txt")
    assert "amd64" in report.read_text("utf-8")
    if os.name != "nt":
        assert stat.S_IMODE(report.stat().st_mode) == 0o600


@posix
def test_a_report_does_not_follow_a_link(tmp_path: Path) -> None:
    precious, dump = tmp_path / "precious", tmp_path / "a.dmp"
    precious.write_text("kept")
    save(Snapshot(Origin("live"), System("linux", "amd64"), threads=(Thread(1),)), dump)
    (tmp_path / "a.dmp.txt").symlink_to(precious)
    write_report_beside(dump)
    assert precious.read_text() == "kept"
    assert not (tmp_path / "a.dmp.txt").is_symlink()


def test_no_step_stops_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mdmp.monitor.finalize import steps

    def break_(*_: object) -> None:
        raise ZeroDivisionError("nonsense")

    for name in ("rotate", "log_outcome", "notify_terminal", "notify_desktop"):
        monkeypatch.setattr(steps, name, break_)
    outcome = keep(tmp_path, notice=["terminal", "desktop"], webhook="http://127.0.0.1:1/", report=True)
    assert outcome.saved
    *bugs, webhook, report = outcome.notes
    assert bugs == ["a bug in mdmp: ZeroDivisionError: nonsense"] * 4
    assert webhook.startswith("webhook: ") and report == f"report: {outcome.saved.path}.txt"


@posix
def test_the_log_hears_of_a_dump_that_could_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(5)
        monkeypatch.setattr(event_log.log_outcome, "__defaults__", (str(tmp_path / "journal"), ""))
        outcome = keep(tmp_path / "file" / "dumps")
        entry = journal.recv(65536).decode()
    assert outcome.saved is None and outcome.notes == ()
    assert "MDMP_NO_DUMP=" in entry and "Not a directory" in entry


@posix
def test_the_handler_writes_nothing_where_others_may(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    outcome = keep(tmp_path / "open" / "dumps", how="postmortem", log=False)
    assert outcome.saved is None and outcome.problem and "everybody may change" in outcome.problem
    assert names(tmp_path / "open") == []
    outcome = keep(tmp_path / "open" / "dumps", log=False)
    assert outcome.saved and "everybody may change" in outcome.notes[0]


@posix
def test_a_link_in_the_place_of_a_dump(tmp_path: Path) -> None:
    """Links that lead nowhere are files as well: nothing is made behind them."""
    for name in (f"{NAME}.dmp", f"{NAME}.2.dmp"):
        (tmp_path / name).symlink_to(tmp_path / "behind")
    outcome = keep(tmp_path, log=False)
    assert outcome.saved and outcome.saved.path == str(tmp_path / f"{NAME}.3.dmp")
    assert not (tmp_path / "behind").exists()


def test_names_run_out(tmp_path: Path) -> None:
    (tmp_path / "a.dmp").write_bytes(b"")
    snapshot = Snapshot(Origin("live"), System("linux", "amd64"), threads=(Thread(1),))
    with pytest.raises(mdmp.SaveError, match="exists"):
        save(snapshot, PartFile(tmp_path / "a.dmp", replace=False, others=[str(tmp_path / "a.dmp")]))
    assert names(tmp_path) == ["a.dmp"]
    saved = save(snapshot, PartFile(tmp_path / "a.dmp", replace=False, others=[str(tmp_path / "b.dmp")]))
    assert saved.path == str(tmp_path / "b.dmp")


@posix
def test_a_process_that_is_stopped_while_it_writes(tmp_path: Path) -> None:
    """Its part is not taken for a dead one's."""
    child = start(f"""
import os, signal
fsync = os.fsync
def stop(file):
    os.fsync = fsync
    os.kill(os.getpid(), signal.SIGSTOP)
    fsync(file)
os.fsync = stop
outcome = keep({str(tmp_path)!r}, mark=7, log=False)
print(outcome.saved.path)
""")
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    try:
        keep(tmp_path, mark=3, log=False)
        assert any(name.endswith(".part") for name in names(tmp_path))
    finally:
        os.kill(child.pid, signal.SIGCONT)
    out, _ = child.communicate(timeout=60)
    assert mark_of(Path(out.strip())) == 7
