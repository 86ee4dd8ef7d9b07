"""Where dumps go, and that nobody else leads them somewhere else."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdmp
from mdmp.errors import SaveError
from mdmp.monitor.fault import Subject
from mdmp.monitor.finalize.folder import default_folder, make_folder

posix = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can be somebody else")
NOBODY = 65534


def subject(uid: int | None = 1000, **variables: str) -> Subject:
    return Subject(1, "/bin/shop", uid, uid, variables)


@pytest.mark.skipif(sys.platform != "linux", reason="folders of Linux")
def test_default_folders() -> None:
    assert default_folder(subject(HOME="/home/a")) == "/home/a/.local/state/mdmp/dumps"
    assert default_folder(subject(HOME="/home/a", XDG_STATE_HOME="/s")) == "/s/mdmp/dumps"
    assert default_folder(subject(HOME="/home/a", XDG_STATE_HOME="not/absolute")) == "/home/a/.local/state/mdmp/dumps"
    assert default_folder(subject(HOME="/home/a"), system_wide=True) == "/var/lib/mdmp/dumps/1000"
    assert default_folder(subject(0)) == f"{os.path.expanduser('~root')}/.local/state/mdmp/dumps"
    assert default_folder(subject(3999999)) == "/var/lib/mdmp/dumps/3999999"


def test_it_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "dumps"
    for _ in range(2):
        assert make_folder(str(folder)) is None
    assert folder.is_dir()


@posix
def test_it_is_private_and_what_leads_to_it_ordinary(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        make_folder(str(tmp_path / "a" / "dumps"))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a" / "dumps").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


@posix
def test_ones_own_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "relative").symlink_to("real/../real")
    (tmp_path / "absolute").symlink_to(tmp_path / "relative")
    make_folder(f"{tmp_path}/absolute/dumps")
    assert (tmp_path / "real" / "dumps").is_dir()


@posix
def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(SaveError, match="too many symbolic links"):
        make_folder(f"{tmp_path}/a/dumps")


@posix
def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(SaveError, match="Not a directory"):
        make_folder(f"{tmp_path}/a/dumps")


@posix
def test_a_folder_that_everybody_may_change(tmp_path: Path) -> None:
    """Told to people, refused where nobody is there to read it."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert "everybody may change" in (make_folder(f"{tmp_path}/open/dumps") or "")
    (tmp_path / "open").chmod(0o1777)
    assert make_folder(f"{tmp_path}/open/dumps") is None
    assert make_folder(f"{tmp_path}/open") is None


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that other users can enter; pytest's own they cannot."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@root
class TestAsRoot:
    """`strict`: nothing on the way belongs to anybody but root."""

    def test_a_safe_one(self, tmp_path: Path) -> None:
        assert make_folder(f"{tmp_path}/dumps", strict=True) is None

    @pytest.mark.parametrize(("mode", "group"), [(0o777, 0), (0o770, NOBODY), (0o775, 0)])
    def test_writable_for_others(self, tmp_path: Path, mode: int, group: int) -> None:
        (tmp_path / "a").mkdir()
        os.chown(tmp_path / "a", 0, group)
        (tmp_path / "a").chmod(mode)
        with pytest.raises(SaveError, match="may change what is in this folder"):
            make_folder(f"{tmp_path}/a/dumps", strict=True)
        assert not (tmp_path / "a" / "dumps").exists()

    def test_a_folder_of_another_user(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        os.chown(tmp_path / "home", NOBODY, NOBODY)
        with pytest.raises(SaveError, match="belongs to another user"):
            make_folder(f"{tmp_path}/home/dumps", strict=True)
        assert not (tmp_path / "home" / "dumps").exists()
        assert make_folder(f"{tmp_path}/home/dumps") is None, "somebody asked for just this folder"

    def test_a_link_of_another_user(self, tmp_path: Path) -> None:
        """It may lead to where only root can write."""
        (tmp_path / "precious").mkdir()
        (tmp_path / "tmp").mkdir()
        (tmp_path / "tmp").chmod(0o1777)
        (tmp_path / "tmp" / "dumps").symlink_to(tmp_path / "precious")
        os.lchown(tmp_path / "tmp" / "dumps", NOBODY, NOBODY)
        for strict in (True, False):
            with pytest.raises(SaveError, match="belongs to another user"):
                make_folder(f"{tmp_path}/tmp/dumps/mdmp", strict=strict)
        assert list((tmp_path / "precious").iterdir()) == []

    def test_a_folder_that_another_user_made_first(self, tmp_path: Path) -> None:
        (tmp_path / "tmp").mkdir()
        (tmp_path / "tmp" / "dumps").mkdir()
        (tmp_path / "tmp").chmod(0o1777)
        os.chown(tmp_path / "tmp" / "dumps", NOBODY, NOBODY)
        for strict in (True, False):
            with pytest.raises(SaveError, match="belongs to another user"):
                make_folder(f"{tmp_path}/tmp/dumps", strict=strict)

    def test_links_that_come_and_go(self, everybodys: Path) -> None:
        """Another user is faster now and then: nothing is ever made behind the link."""
        (everybodys / "precious").mkdir()
        (everybodys / "tmp").mkdir()
        (everybodys / "tmp").chmod(0o1777)
        state = everybodys / "tmp" / "state"
        code = f"""
import os, sys
os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
os.chdir({str(everybodys / "tmp")!r})
print("ready", flush=True)
while True:
    try:
        os.symlink({str(everybodys / "precious")!r}, "state")
        os.unlink("state")
    except OSError: pass
"""
        child = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, cwd="/")
        made = 0
        try:
            assert child.stdout is not None and child.stdout.readline() == b"ready\n"
            for _ in range(3000):
                try:
                    make_folder(str(state / "dumps"), strict=True)
                except SaveError:
                    continue
                made += 1
                assert state.lstat().st_uid == 0
                (state / "dumps").rmdir()
                state.rmdir()
            assert child.poll() is None
        finally:
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()
        assert list((everybodys / "precious").iterdir()) == []
        assert made

    def test_a_user_passes_folders_that_cannot_be_listed(self, everybodys: Path) -> None:
        """What the handler does when it has become the user."""
        home = everybodys / "homes" / "user"
        home.mkdir(parents=True)
        os.chown(home, NOBODY, NOBODY)
        (everybodys / "homes").chmod(0o711)
        done = as_nobody(f"make_folder({str(home / 'state' / 'dumps')!r}, strict=True)")
        assert done.returncode == 0, done.stderr
        assert (home / "state" / "dumps").stat().st_uid == NOBODY
        done = as_nobody(f"make_folder({str(everybodys / 'dumps')!r}, strict=True)")
        assert "Permission denied" in done.stderr


def as_nobody(call: str) -> subprocess.CompletedProcess[str]:
    """In a process that gives up root's rights when all is imported: another user may not be able to read this tree."""
    code = f"""
import os, sys
sys.path.insert(0, {os.path.dirname(os.path.dirname(mdmp.__file__))!r})
from mdmp.monitor.finalize.folder import make_folder
os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
{call}
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd="/")
