"""The kernel's handler of crashes: every kind of fault, and what stands against tricks."""

import contextlib
import lzma
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import fault_table
import pytest
from fault_table import BUILDS, BY_NAME, FAULTS, Fault, build, check_dump

import mdmp

if sys.platform != "linux":
    pytest.skip("this is about Linux", allow_module_level=True)

from postmortem import GROUP, PATTERN, SUID_DUMPABLE, USER, Handler, machine, why_not

if reason := why_not():
    pytest.skip(reason, allow_module_level=True)

OTHER = {"user": USER, "group": GROUP, "extra_groups": []}


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    with machine(), Handler() as handler:
        yield handler


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


def faulty(handler: Handler, built: Path, name: str) -> Path:
    return handler.program(build(name, built))


MAIN_ONLY = ("killed",)  # a signal that is sent to the process goes to its main thread
CASES = [(fault, False) for fault in FAULTS]
CASES += [(fault, True) for fault in FAULTS if fault.source == fault_table.C and fault.name not in MAIN_ONLY]


@pytest.mark.parametrize(
    ("fault", "thread"), CASES, ids=lambda case: getattr(case, "name", "thread" if case else "main")
)
def test_faults(handler: Handler, built: Path, fault: Fault, thread: bool) -> None:
    name = "faults" if fault.source == fault_table.C else "cpp"
    program = faulty(handler, built, name)
    entry = handler.crash([program, fault.name, *(["thread"] if thread else [])])
    assert "dump" in entry, entry
    assert entry["program"] == str(program)
    snapshot, _ = check_dump(Path(entry["dump"]), fault, entry["pid"])
    assert snapshot.annotations.process["mdmp.trigger"] == "postmortem"
    assert (snapshot.exceptions[0].tid != entry["pid"]) == thread
    names = {thread.tid: thread.name for thread in snapshot.threads or ()}
    assert len(names) == (5 if thread else 1) and None not in names.values()
    assert Path(entry["dump"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [name for name in BUILDS if name not in ("faults", "cpp", "static_cpp")])
def test_builds(handler: Handler, built: Path, name: str) -> None:
    """A program without position, static, stripped, and of 32 bits."""
    program = faulty(handler, built, name)
    fault = BY_NAME["field"]
    if name == "32":
        entry = handler.crash([program])
        snapshot = mdmp.open_dump(entry["dump"])
        assert snapshot.system.cpu == "x86" and snapshot.issues == ()
        assert signal.Signals(snapshot.exceptions[0].code) == signal.SIGSEGV
    else:
        entry = handler.crash([program, fault.name, "thread"])
        check_dump(Path(entry["dump"]), fault, entry["pid"], symbols=name != "stripped")


def test_python(handler: Handler) -> None:
    """It crashes in a C function that it calls."""
    program = handler.program(Path(os.path.realpath(sys.executable)), "python-of-mine")
    code = "import ctypes; ctypes.string_at(24)"
    environment = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
    entry = handler.crash([program, "-c", code], env=environment)
    snapshot = mdmp.open_dump(entry["dump"])
    assert snapshot.exceptions[0].address == 24
    assert any("_ctypes" in module.name for module in snapshot.modules or ())


def test_fifty_at_once(handler: Handler, built: Path) -> None:
    """Each leaves one dump, and it is its own."""
    program = faulty(handler, built, "faults")
    faults = [FAULTS[i % 3] for i in range(50)]
    started: list[tuple[subprocess.Popen[bytes], Fault, int]] = []
    for i, fault in enumerate(faults):
        who = {} if i % 5 == 0 else {"user": USER + i % 5, "group": GROUP, "extra_groups": []}
        words = [str(program), fault.name, "wait"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", **who)  # type: ignore[call-overload]
        started.append((process, fault, who.get("user", 0)))
    for process, _, _ in started:
        assert process.stdout and process.stdout.readline() == b"ready\n"
    for process, _, _ in started:
        assert process.stdin
        process.stdin.close()
    for process, _, _ in started:
        assert process.wait(60) < 0
        assert process.stdout
        process.stdout.close()
    dumps = Counter()
    for process, fault, user in started:
        entry = handler.entry(process.pid)
        assert "dump" in entry, entry
        dumps[entry["dump"]] += 1
        path = Path(entry["dump"])
        snapshot = mdmp.open_dump(path)
        assert (snapshot.process.pid, snapshot.exceptions[0].address) == (process.pid, fault.address)
        assert (path.parent.name, path.stat().st_uid) == (str(user), user)
    assert set(dumps.values()) == {1} and len(dumps) == 50


def test_another_user(handler: Handler, built: Path) -> None:
    """The dump is that user's, and nobody else's; root's rights were gone."""
    entry = handler.crash([faulty(handler, built, "faults"), "field"], **OTHER)
    path = Path(entry["dump"])
    check_dump(path, BY_NAME["field"], entry["pid"])
    for place in (path, path.parent):
        found = place.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o077) == (USER, GROUP, 0)
    assert path.parent.parent.stat().st_uid == 0


@pytest.mark.parametrize(
    "name", ["a b", "new\nline", "100%P%s", "-rf", ".hidden", "bl\xfc\u202ecod", "'$(id)'", "x" * 200]
)
def test_names_of_programs(handler: Handler, built: Path, name: str) -> None:
    program = handler.program(build("faults", built), name)
    entry = handler.crash([program, "field"], **OTHER)
    path = Path(entry["dump"])
    assert path.parent == Path(handler.places.dumps) / str(USER)
    assert path.name.endswith(".dmp") and path.name.isprintable() and not path.name.startswith((".", "-"))
    assert entry["program"] == str(program)
    main = (mdmp.open_dump(path).modules or ())[0]
    assert main.name == name


class Theirs:
    """A folder of the user's own that the system's policy sends dumps to, and one of root's that nobody may touch."""

    def __init__(self, handler: Handler, program: str) -> None:
        self.home = handler.folder / f"theirs-{program}"
        self.dumps = self.home / "dumps"
        self.precious = handler.folder / f"precious-{program}"
        for folder, owner in ((self.home, USER), (self.precious, 0)):
            folder.mkdir()
            os.chown(folder, owner, owner)
            folder.chmod(0o755)
        with handler.policy.open("a") as file:
            file.write(f"[applications.{program}]\nfolder = '{self.dumps}'\n")


def test_folder_of_the_user(handler: Handler, built: Path) -> None:
    program = handler.program(build("faults", built), "plain")
    theirs = Theirs(handler, "plain")
    entry = handler.crash([program, "field"], **OTHER)
    path = Path(entry["dump"])
    assert path.parent == theirs.dumps
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (USER, 0o600)


@pytest.mark.parametrize("trick", ["link_to_root", "link_in_link", "fifo", "file"])
def test_folder_by_trick(handler: Handler, built: Path, trick: str) -> None:
    """There is no dump, and nothing of root's has changed."""
    name = trick.replace("_", "")
    program = handler.program(build("faults", built), name)
    theirs = Theirs(handler, name)
    if trick == "link_to_root":
        theirs.dumps.symlink_to(theirs.precious)
    elif trick == "link_in_link":
        theirs.dumps.symlink_to("up/../../" + theirs.precious.name)
        (theirs.home / "up").symlink_to("..")
    elif trick == "fifo":
        os.mkfifo(theirs.dumps)
    else:
        theirs.dumps.write_text("mine")
    entry = handler.crash([program, "field"], **OTHER)
    assert "problem" in entry and "dump" not in entry and "internal error" not in entry["problem"]
    assert list(theirs.precious.iterdir()) == []
    assert entry["seconds"] < 10


def test_setuid(handler: Handler, built: Path) -> None:
    """What a program with other rights knew is root's business."""
    program = handler.program(build("faults", built), "setuid")
    program.chmod(0o4755)
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        pytest.skip("setuid is switched off here")
    SUID_DUMPABLE.write_text("2")
    entry = handler.crash([program, "field"], **OTHER)
    path = Path(entry["dump"])
    assert (path.parent.name, path.stat().st_uid, path.stat().st_mode & 0o777) == ("0", 0, 0o600)
    assert entry["uid"] == USER
    SUID_DUMPABLE.write_text("0")
    before = len(handler.entries)
    with subprocess.Popen([program, "field"], cwd="/", **OTHER) as process:  # type: ignore[call-overload]
        assert process.wait(20) < 0
    time.sleep(0.3)
    assert len(handler.entries) == before


def test_rights_given_up_by_the_program(handler: Handler) -> None:
    """It was root and has become a user: its memory may still know what only root may."""
    program = handler.program(Path(os.path.realpath(sys.executable)), "python-of-mine")
    code = f"import ctypes, os; os.setresgid(*[{GROUP}] * 3); os.setresuid(*[{USER}] * 3); ctypes.string_at(24)"
    SUID_DUMPABLE.write_text("2")
    environment = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
    entry = handler.crash([program, "-c", code], env=environment)
    SUID_DUMPABLE.write_text("0")
    assert entry["uid"] == USER
    assert Path(entry["dump"]).parent.name == "0" and Path(entry["dump"]).stat().st_uid == 0


def test_namespaces(handler: Handler, built: Path) -> None:
    """A program in a container of its user's own: the numbers are ours, the paths are its own and are not followed."""
    program = faulty(handler, built, "faults")
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*command, "true"], **OTHER, stderr=subprocess.DEVNULL).returncode:  # type: ignore[call-overload]
        pytest.skip("users may not make namespaces here")
    before = {entry["pid"] for entry in handler.entries}
    subprocess.run([*command, program, "field", "thread"], cwd="/", stderr=subprocess.DEVNULL, **OTHER)  # type: ignore[call-overload]
    (pid,) = {entry["pid"] for entry in handler.entries if entry["program"] == str(program)} - before
    entry = handler.entry(pid)
    path = Path(entry["dump"])
    snapshot, _ = check_dump(path, BY_NAME["field"], pid)
    assert path.parent.name == str(USER) and path.stat().st_uid == USER
    assert pid > 100 and all(pid <= thread.tid <= pid + 100 for thread in snapshot.threads or ())
    assert all(thread.name for thread in snapshot.threads or ())


def test_limit_of_cores(handler: Handler, built: Path) -> None:
    """What users have by default is no wish; what cannot be taken back is."""
    program = str(faulty(handler, built, "faults"))
    entry = handler.crash(["sh", "-c", 'ulimit -H -c 0; exec "$0" field', program])
    assert "dump" not in entry and "hard limit" in entry["reasons"][0]
    entry = handler.crash(["sh", "-c", 'ulimit -S -c 0; exec "$0" field', program])
    assert "dump" in entry


# What is given to the handler by hand


@pytest.fixture(scope="module")
def idle(handler: Handler) -> Iterator[Handler]:
    """A handler for all programs that the kernel does not know of."""
    from mdmp.monitor.linux.core_pattern import prepare
    from mdmp.monitor.linux.places import Config

    with contextlib.closing(Handler()) as idle:
        places = idle.places
        prepare(Config("", 0, "", 0, home=places.home, launcher=places.launcher, policy=str(idle.policy)))
        yield idle


def by_hand(handler: Handler, core: bytes, *numbers: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([handler.places.launcher, *map(str, numbers)], input=core, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


NOBODY = 4194399
"""Above the kernel's largest process number."""


def test_garbage(idle: Handler) -> None:
    cases = [b"", b"garbage", b"\x7fELF" + bytes(60), b"\x7fELF\x02\x01\x01" + b"\xff" * 200, os.urandom(5000)]
    for i, core in enumerate(cases):
        by_hand(idle, core, NOBODY + i, 1, 0, 0, 11, 1, 1, 0)
        entry = idle.entry(NOBODY + i)
        assert "dump" not in entry and "internal error" not in entry["problem"]


def test_garbage_about_a_living_process(idle: Handler) -> None:
    """One that does not crash is left alone."""
    with subprocess.Popen(["sleep", "60"]) as process:
        by_hand(idle, b"garbage", process.pid, process.pid, 0, 0, 11, 1, 1, 0)
        assert "dump" not in idle.entry(process.pid)
        assert process.poll() is None
        process.kill()


def test_arguments_by_hand(idle: Handler) -> None:
    assert by_hand(idle, b"", "-1", "x").returncode == 2
    assert by_hand(idle, b"").returncode == 2
    assert by_hand(idle, b"", *["9" * 400] * 8).returncode != 0


def test_nobody_else_can_run_it(idle: Handler) -> None:
    """There are no rights to be had from it."""
    assert Path(idle.places.launcher).stat().st_mode & 0o7777 == 0o755
    done = by_hand(idle, b"garbage", 1, 1, 0, 0, 11, 1, 1, 0, **OTHER)
    assert done.returncode != 0


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "alive"])
def test_damaged_cores(idle: Handler, data: Path, gone: bool) -> None:
    """Cut at any place, with any byte changed: a dump or a reason, and never a bug of ours."""
    core = bytearray(lzma.decompress((data / "linux" / "cores" / "bus.core.xz").read_bytes()))
    chance = random.Random(4)
    cases = [core[: chance.randrange(5000)] for _ in range(4)]
    for _ in range(8):
        damaged = bytearray(core)
        for _ in range(30):
            damaged[chance.randrange(2000)] = chance.randrange(256)
        cases.append(damaged)
    for i, case in enumerate([core, *cases]):
        pid = NOBODY + 100 + i
        by_hand(idle, bytes(case), pid, 1, USER if i % 2 else 0, GROUP if i % 2 else 0, 7, 1, 1, 0)
        entry = idle.entry(pid)
        assert "internal error" not in entry.get("problem", "") and "killed" not in entry.get("problem", ""), entry
        assert i or mdmp.open_dump(entry["dump"]).exceptions[0].code == signal.SIGBUS


# A handler that is disturbed

BIG = """#include <stdlib.h>
#include <string.h>
int main(void) { return memset(malloc(400 << 20), 1, 400 << 20) ? *(volatile int *)24 : 0; }
"""


@pytest.fixture(params=[OTHER], ids=["user"])
def big(handler: Handler, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A crash that takes the handler a while."""
    program = handler.bin / "big"
    subprocess.run(["cc", "-x", "c", "-", "-o", program], input=BIG.encode(), check=True)
    policy = handler.policy.read_text()
    handler.policy.write_text(f"{policy}[applications.big]\ntype = 'full'\n")
    with subprocess.Popen([program], cwd="/", **request.param) as process:
        try:
            yield process
            assert process.wait(30) < 0
        finally:
            handler.policy.write_text(policy)
            process.kill()


def parts(handler: Handler) -> list[Path]:
    return list((Path(handler.places.dumps) / str(USER)).glob("big*.part"))


def workers(handler: Handler) -> list[int]:
    """The processes of the handler."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and handler.places.config.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number, words", [(signal.SIGKILL, "was killed by signal 9"), (signal.SIGSTOP, "was stopped")])
def test_worker_is_disturbed(
    handler: Handler, built: Path, big: subprocess.Popen[bytes], number: signal.Signals, words: str
) -> None:
    """By its user, who may. What it was writing is no dump, and goes with the next one."""
    wait_for(lambda: parts(handler))
    before = set((Path(handler.places.dumps) / str(USER)).glob("*.dmp"))
    states = {pid: Path(f"/proc/{pid}/status").read_text() for pid in workers(handler)}
    ((worker, status),) = ((p, s) for p, s in states.items() if f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}\n" in s)
    assert f"Groups:\t{GROUP} \n" in status
    assert "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n" in status
    subprocess.run(["kill", f"-{int(number)}", str(worker)], check=True, **OTHER)  # type: ignore[call-overload]
    entry = handler.entry(big.pid)
    assert entry["problem"] == f"the handler {words}" and "dump" not in entry
    assert set((Path(handler.places.dumps) / str(USER)).glob("*.dmp")) == before
    handler.crash([faulty(handler, built, "faults"), "field"], **OTHER)
    assert not parts(handler)


@pytest.mark.parametrize("big", [{}], ids=["root"], indirect=True)
def test_dump_of_root(handler: Handler, big: subprocess.Popen[bytes]) -> None:
    """No capabilities are left."""
    folder = Path(handler.places.dumps) / "0"
    wait_for(lambda: list(folder.glob("big*.part")))
    states = [Path(f"/proc/{pid}/status").read_text() for pid in workers(handler)]
    assert any("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n" in status for status in states)
    assert "dump" in handler.entry(big.pid)


def test_all_of_the_handler_is_killed(handler: Handler, big: subprocess.Popen[bytes]) -> None:
    wait_for(lambda: parts(handler))
    for pid in workers(handler):
        os.kill(pid, signal.SIGKILL)
    assert big.wait(30) < 0
    assert not list((Path(handler.places.dumps) / str(USER)).glob(f"big.{big.pid}.*.dmp"))


# Passing on


def test_pass_on_to_a_file(handler: Handler, built: Path) -> None:
    """As the kernel would have written it."""
    program = faulty(handler, built, "faults")
    handler.install(pass_on=True)
    here = handler.folder / "here"
    here.mkdir()
    os.chown(here, USER, GROUP)

    def crash(limit: str) -> dict[str, object]:
        command = f'ulimit -S -c {limit}; cd {here}; exec "$0" field'
        entry = handler.crash(["sh", "-c", command, str(program)], **OTHER)
        assert "dump" in entry, entry
        return entry

    core = here / "core"
    try:
        entry = crash("unlimited")
        found = core.stat()
        assert (found.st_uid, found.st_mode & 0o777) == (USER, 0o600)
        assert found.st_blocks * 512 <= found.st_size
        snapshot = mdmp.open_dump(core)
        assert snapshot.issues == () and snapshot.exceptions[0].address == 24
        assert snapshot.process.pid == entry["pid"]
        crash("unlimited")
        assert core.stat().st_ino == found.st_ino
        core.unlink()
        crash("0")
        assert not core.exists()
        crash("100")
        assert core.stat().st_size <= 102400
        core.unlink()
        secret = handler.folder / "secret"
        secret.write_text("root's")
        core.symlink_to(secret)
        assert "pass_on" in crash("unlimited")
        core.unlink()
        os.mkfifo(core)
        assert "pass_on" in crash("unlimited")
        assert secret.read_text() == "root's"
    finally:
        handler.install()


def test_pass_on_to_a_program(handler: Handler, built: Path) -> None:
    """It gets the whole core, and what it asked for; afterwards it is the handler again."""
    from mdmp.monitor.linux.core_pattern import uninstall_linux

    program = handler.program(build("faults", built), "odd name")
    out = handler.folder / "out"
    script = handler.folder / "old"
    lines = ("#!/bin/sh", '[ "$2" = "odd name" ] || exit 0', f'printf "%s\\n" "$@" >{out}.words', f"cat >{out}.core")
    script.write_text("\n".join((*lines, f"mv {out}.core {out}", "")))
    script.chmod(0o755)
    uninstall_linux(handler.places)
    before = PATTERN.read_text()
    pattern = f"|{script} %p %e x%%y %E %s"
    PATTERN.write_text(pattern)
    try:
        assert handler.install(pass_on=True)[0].endswith(repr(pattern))
        entry = handler.crash([program, "field"], **OTHER)
        assert "dump" in entry and "pass_on" not in entry
        words = Path(f"{out}.words").read_text().splitlines()
        assert words == [str(entry["pid"]), "odd name", "x%y", str(program).replace("/", "!"), "11"]
        assert mdmp.open_dump(out).exceptions[0].address == 24
        uninstall_linux(handler.places)
        assert PATTERN.read_text().strip() == pattern
    finally:
        uninstall_linux(handler.places)
        PATTERN.write_text(before)
        handler.install()


def test_programs_that_are_left_out(handler: Handler, built: Path, tmp_path: Path) -> None:
    """Their cores go where they went before."""
    program = build("faults", built)
    before = len(handler.entries)
    with subprocess.Popen(["sh", "-c", 'ulimit -c unlimited; exec "$0" field', program], cwd=tmp_path) as process:
        assert process.wait(30) < 0
    if handler.before == "core":
        wait_for(lambda: list(tmp_path.glob("core*")))
    assert len(handler.entries) == before


# Installing


def test_twice(handler: Handler) -> None:
    from mdmp.monitor.linux.places import read_config

    for _ in range(2):
        handler.install()
    config = read_config(handler.places.config)
    assert config and config.old_pattern == handler.before and config.old_pipe_limit == handler.limit_before
    Path(handler.places.config).unlink()
    handler.install()
    config = read_config(handler.places.config)
    assert config and config.old_pattern == "core"


def test_uninstall(handler: Handler) -> None:
    """What somebody else has set since is left alone."""
    from mdmp.monitor.linux.core_pattern import status_linux, uninstall_linux

    handler.install(persist=True)
    persisted = Path(handler.places.persist).read_text().splitlines()
    assert f"kernel.core_pattern={PATTERN.read_text().strip()}" in persisted
    found = status_linux(handler.places)
    assert found.installed and found.working and not found.problems and found.crashes
    PATTERN.write_text("core.of.another")
    try:
        assert not status_linux(handler.places).installed
        told = uninstall_linux(handler.places)
        assert "core.of.another" in told[0] and PATTERN.read_text() == "core.of.another\n"
    finally:
        PATTERN.write_text(handler.before)
    assert not Path(handler.places.launcher).exists() and not Path(handler.places.persist).exists()
    assert uninstall_linux(handler.places) == ("mdmp is not installed as the system's handler",)
    assert not status_linux(handler.places).installed
    handler.install()
    assert status_linux(handler.places).working


def test_somebody_else_wants_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told what is needed."""
    from mdmp.errors import UsageError
    from mdmp.monitor.install import InstallOptions, install, uninstall

    monkeypatch.setattr(os, "geteuid", lambda: USER)
    for action in (lambda: install(InstallOptions()), uninstall):
        with pytest.raises(UsageError, match="only root can do this"):
            action()


def test_python_of_somebody_else(handler: Handler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root does not run what others may change."""
    from mdmp.errors import UsageError
    from mdmp.monitor.linux import core_pattern, launcher

    theirs = tmp_path / "mdmp"
    theirs.mkdir()
    monkeypatch.setattr(launcher, "package_root", lambda: str(tmp_path))
    assert core_pattern.trouble() == []
    os.chown(theirs, USER, USER)
    assert core_pattern.trouble() == [f"{theirs} belongs to user {USER}"]
    with pytest.raises(UsageError, match="--force"):
        handler.install(force=False)
    os.chown(theirs, 0, 0)
    theirs.chmod(0o777)
    assert "can be changed" in core_pattern.trouble()[0]


def test_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One user's crashes leave room for others."""
    from mdmp.monitor.linux import slots

    monkeypatch.setattr(slots, "PATIENCE", 0.1)
    held = [slots.take_slots(str(tmp_path), user) for user in (USER, USER, USER, USER + 1, USER + 2, 0, 0)]
    # Two for each user, three for all users, one for the system.
    assert [slot is not None for slot in held] == [True, True, False, True, False, True, False]
    for number in held[0] or ():
        os.close(number)
    again = slots.take_slots(str(tmp_path), USER + 2)
    assert again is not None
    for numbers in (*held[1:], again):
        for number in numbers or ():
            os.close(number)
