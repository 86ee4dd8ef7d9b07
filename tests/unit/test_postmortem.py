"""Parts of the kernel's handler that need neither root nor a crash."""

import lzma
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mdmp.errors import UnusableInputError, UsageError

if sys.platform != "linux":
    pytest.skip("this is about Linux", allow_module_level=True)

from mdmp.dumpfile.core.crash import load_crash, read_start
from mdmp.monitor.install import InstallOptions, install
from mdmp.monitor.linux.find import find_linux
from mdmp.monitor.linux.pass_on import Names, expand, wants_core
from mdmp.monitor.linux.places import Config, read_config, write_config
from mdmp.monitor.linux.postmortem import Request, is_wanted

REQUEST = Request(100, 101, 1000, 1001, 11, 1700000000, 1, 1 << 30)


@pytest.mark.parametrize(
    "pattern, text",
    [
        ("core", "core"),
        ("/var/cores/%e.%p-%P", "/var/cores/a!b.7-100"),
        ("%i %I %u %g %d %s %t %c", "8 101 1000 1001 1 11 1700000000 1073741824"),
        ("%E|%f|%%|%Z|%", "!bin!a b|a b|%||"),
    ],
)
def test_expand(pattern: str, text: str) -> None:
    """Source of what is expected: core(5)."""
    assert expand(pattern, REQUEST, Names("a/b", "/bin/a b", 7, 8)) == text


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_lead_up(name: str) -> None:
    assert expand("%e", REQUEST, Names(name, name, 1, 1)) in ("!", "!.")


def test_wants_core() -> None:
    assert wants_core("|/bin/handler", REQUEST._replace(core_limit=0))
    assert wants_core("core", REQUEST)
    assert not wants_core("core", REQUEST._replace(core_limit=0))
    assert not wants_core("@/run/socket", REQUEST) and not wants_core("", REQUEST)


def test_start_of_a_core(data: Path) -> None:
    """No more than the notes is read."""
    core = lzma.decompress((data / "linux" / "cores" / "abort-threads.core.xz").read_bytes())
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        piece = core[at : at + size]
        at += len(piece)
        return piece

    start = read_start(read)
    assert core.startswith(start) and len(start) == at < 1 << 16
    crash = load_crash(start)
    assert len(crash.threads) > 1 and crash.exceptions[0].code == 6 and crash.issues == ()


@pytest.mark.parametrize("raw", [b"", b"\x7fELF", b"no core" * 20, b"\x7fELF\x02\x01\x01" + bytes(57)])
def test_no_core(raw: bytes) -> None:
    with pytest.raises(UnusableInputError):
        load_crash(read_start(lambda size: raw[:size]))


def test_sizes_without_content() -> None:
    """What a header promises is asked for, but within bounds."""
    head = bytearray(b"\x7fELF\x02\x01\x01" + b"\xff" * 57)
    head[16:20] = b"\x04\0\x3e\0"
    asked: list[int] = []

    def read(size: int) -> bytes:
        asked.append(size)
        return bytes(head) if len(asked) == 1 else b""

    with pytest.raises(UnusableInputError):
        read_start(read)
    assert max(asked) <= 1 << 26


def test_config(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert read_config(str(path)) is None
    config = Config("|/x %P", 100, "core", 0, str(tmp_path), pass_on=True)
    write_config(str(path), config)
    assert read_config(str(path)) == config
    for damaged in ("", "[]", "{}", '{"pattern": 1', "\0"):
        path.write_text(damaged)
        with pytest.raises(UsageError):
            read_config(str(path))
    write_config(str(path), config)
    os.chmod(path, 0o666)
    with pytest.raises(UsageError):
        read_config(str(path))


def test_a_program_that_was_replaced_since_it_started_is_still_the_one_that_is_meant(tmp_path: Path) -> None:
    program = shutil.copy(shutil.which("sleep") or "", tmp_path / "shop")
    with subprocess.Popen([program, "60"]) as child:
        os.unlink(program)
        try:
            for only, wanted in ((None, True), (f"{tmp_path}/shop", True), (f"{tmp_path}/shops", False)):
                config = Config("|/x %P", 100, "core", 0, str(tmp_path), only=only)
                assert is_wanted(REQUEST._replace(pid=child.pid), config) is wanted
            assert find_linux(str(program)) == [child.pid]
        finally:
            child.kill()


def test_a_process_is_found_by_a_long_name_of_its_own_in_any_script() -> None:
    name = "\u00fc" * 9
    text = f"open('/proc/self/comm', 'wb').write({name.encode()!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"\n"
        assert find_linux(name) == [child.pid]


@pytest.mark.parametrize("only", ["shop", "", "./shop"])
def test_programs_are_chosen_by_paths(only: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other text fits none: nobody would get dumps. Whoever runs this, nothing is installed."""
    monkeypatch.setattr(os, "geteuid", lambda: 61234)
    with pytest.raises(UsageError, match="expected a path"):
        install(InstallOptions(only=only))


@pytest.mark.skipif(os.geteuid() != 0, reason="the handler runs as root")
def test_a_core_is_passed_on_also_when_no_dump_can_be_made(tmp_path: Path) -> None:
    """Here because the folder is missing that the handler needs."""
    other = tmp_path / "other"
    other.write_text(f"#!/bin/sh\ncat > {tmp_path}/got\n")
    other.chmod(0o755)
    config = tmp_path / "config"
    write_config(str(config), Config("|/x %P", 100, f"|{other}", 0, str(tmp_path / "missing"), pass_on=True))
    pid = os.getpid()
    numbers = map(str, REQUEST._replace(pid=pid, tid=pid))
    command = [sys.executable, "-m", "mdmp", "postmortem", "--config", str(config), *numbers]
    assert subprocess.run(command, input=b"a core", timeout=60, check=False).returncode == 1
    assert (tmp_path / "got").read_bytes() == b"a core"
