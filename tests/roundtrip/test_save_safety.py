"""Whatever happens to the writer, no file that passes for a good one is left; dead writers' files are cleaned up."""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_memory import Memory

from mdmp.dumpfile.load import load
from mdmp.dumpfile.part_file import PartFile, remove_dead_parts
from mdmp.dumpfile.save import save
from mdmp.errors import SaveError
from mdmp.snapshot import Origin, Snapshot, System, Thread

posix = pytest.mark.skipif(os.name == "nt", reason="signals, limits and locks of POSIX")
KILLS = int(os.environ.get("MDMP_KILLS", "12"))
WRITER = """
import sys
sys.path.insert(0, {folder!r})
from test_save_safety import some_snapshot
from mdmp.dumpfile.save import save
print("ready", flush=True)
for number in range(1000):
    save(some_snapshot(8 << 20), f"{target}/{{number}}.dmp")
"""


def some_snapshot(size: int = 20000) -> Snapshot:
    memory = Memory({0x10000: bytes(range(1, 256)) * (size // 255)})
    return Snapshot(Origin("live"), System("linux", "amd64"), threads=(Thread(1),), modules=(), memory=memory)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@posix
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Good dumps or none; at most one part file, which the next writer removes."""
    for _ in range(KILLS):
        code = WRITER.format(folder=str(Path(__file__).parent), target=str(tmp_path))
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0, 0.25))
        child.kill()
        child.wait()
        child.stdout.close()
        parts = [name for name in names(tmp_path) if not re.fullmatch(r"\d+\.dmp", name)]
        assert len(parts) <= 1
        for path in tmp_path.glob("*.dmp"):
            found = load(path)
            assert found.issues == ()
            assert found.memory.read(0x10000, 510) == bytes(range(1, 256)) * 2
            path.unlink()
        save(some_snapshot(), tmp_path / "next.dmp")
        assert names(tmp_path) == ["next.dmp"]
        (tmp_path / "next.dmp").unlink()


def test_a_part_file_is_no_dump(tmp_path: Path) -> None:
    """Its signature comes last: what a dead writer leaves does not open, under whatever name."""
    with PartFile(tmp_path / "a.dmp") as part:
        part.file.write(b"\0" * 5000)
        part.file.flush()
        assert not Path(part.part).read_bytes().startswith(b"MDMP")
        assert names(tmp_path) == [os.path.basename(part.part)]
    assert names(tmp_path) == []


@posix
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for it: the system refuses the write in the same way."""
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_save_safety import some_snapshot
from mdmp.dumpfile.save import save
from mdmp.errors import SaveError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in (0, 100, 5000, 1 << 20):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save(some_snapshot(4 << 20), {str(tmp_path / "a.dmp")!r})
    except SaveError as error:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["refused"] * 4, done.stderr
    assert names(tmp_path) == []


@posix
def test_parts_of_living_writers_stay(tmp_path: Path) -> None:
    dead, other = tmp_path / "b.dmp.12-ab.part", tmp_path / "mine.part"
    dead.write_bytes(b"left over")
    other.write_bytes(b"somebody else's")
    with PartFile(tmp_path / "a.dmp") as part:
        remove_dead_parts(str(tmp_path))
        assert os.path.exists(part.part)
        assert not dead.exists()
        with PartFile(tmp_path / "c.dmp"):
            assert os.path.exists(part.part)
    assert names(tmp_path) == ["mine.part"]


@posix
def test_links_and_pipes_are_left_alone(tmp_path: Path) -> None:
    """Their names are no reason to follow or to open them."""
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / "a.dmp.1-a.part").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / "b.dmp.1-a.part")
    remove_dead_parts(str(tmp_path))
    assert names(tmp_path) == ["a.dmp.1-a.part", "b.dmp.1-a.part", "kept"]


@posix
def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    """As root we could have made a plain file of /dev/null."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(SaveError, match="it is no file, but a device"):
            save(some_snapshot(), path)
    assert names(tmp_path) == ["link", "pipe"]
    assert pipe.is_fifo() and link.is_symlink()


def test_a_name_is_not_taken_twice(tmp_path: Path) -> None:
    save(some_snapshot(), tmp_path / "a.dmp")
    before = (tmp_path / "a.dmp").read_bytes()
    with pytest.raises(SaveError, match="exists"):
        save(some_snapshot(2 << 20), tmp_path / "a.dmp", replace=False)
    assert (tmp_path / "a.dmp").read_bytes() == before
    assert names(tmp_path) == ["a.dmp"]
    save(some_snapshot(2 << 20), tmp_path / "a.dmp")
    assert (tmp_path / "a.dmp").stat().st_size > 2 << 20


@posix
def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        save(some_snapshot(), tmp_path / "a.dmp")
    finally:
        os.umask(old)
    assert (tmp_path / "a.dmp").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="cannot write"):
        save(some_snapshot(), tmp_path / "no" / "a.dmp")


class Vanishing(Memory):
    """Pages of a live process that went away after they were listed."""

    def read_some(self, address: int, size: int) -> bytes:
        page = address // 4096
        return b"" if page % 3 == 2 else super().read_some(address, min(size, 4096 - address % 4096))


def test_unreadable_pages_are_zero_and_counted(tmp_path: Path) -> None:
    memory = Vanishing({0x10000: b"x" * 0x9000})
    snapshot = Snapshot(Origin("live"), System("linux", "amd64"), memory=memory)
    saved = save(snapshot, tmp_path / "a.dmp")
    assert saved.lost == ("12288 bytes of memory could not be read; they are zero in the dump",)
    found = load(tmp_path / "a.dmp").memory
    for page in range(0x10, 0x19):
        assert found.read(page * 4096, 4096) == (bytes(4096) if page % 3 == 2 else b"x" * 4096)


@posix
def test_zero_pages_take_no_room(tmp_path: Path) -> None:
    raw = bytearray(64 << 20)
    raw[5 << 20 : (5 << 20) + 5] = b"bytes"
    snapshot = Snapshot(Origin("live"), System("linux", "amd64"), memory=Memory({0x10000: bytes(raw)}))
    save(snapshot, tmp_path / "a.dmp")
    status = (tmp_path / "a.dmp").stat()
    assert status.st_size > 64 << 20
    if status.st_blocks * 512 > 60 << 20:
        pytest.skip("this file system has no holes")
    assert status.st_blocks * 512 < 1 << 20
    assert load(tmp_path / "a.dmp").memory.read(0x10000, 64 << 20) == bytes(raw)


class Huge:
    """5 GiB that are the same page again and again."""

    ranges = ((0x100000000, 5 << 30), (0x7F0000000000, 0x4000))

    def read_some(self, address: int, size: int) -> bytes:
        if address < 0x7F0000000000:
            return bytes(size)
        return b"s" * min(size, 0x7F0000004000 - address)

    def read(self, address: int, size: int) -> bytes:
        return self.read_some(address, size)

    def word(self, address: int, size: int) -> int | None:
        return 0


@posix
@pytest.mark.slow
def test_beyond_four_gigabytes(tmp_path: Path) -> None:
    """Stacks lie beyond what 32 bits can tell: a copy of them is below."""
    thread = Thread(1, stack_start=0x7F0000001000, stack_size=0x3000)
    snapshot = Snapshot(Origin("live"), System("linux", "amd64"), threads=(thread,), memory=Huge())
    saved = save(snapshot, tmp_path / "a.dmp")
    assert saved.size > 5 << 30
    found = load(tmp_path / "a.dmp")
    assert found.memory.ranges == Huge.ranges
    assert found.memory.read(0x7F0000003FF0, 16) == b"s" * 16
    with (tmp_path / "a.dmp").open("rb") as file:
        head = file.read(1 << 16)
    count, directory = (int.from_bytes(head[at : at + 4], "little") for at in (8, 12))
    entries = [head[directory + 12 * i : directory + 12 * i + 12] for i in range(count)]
    rva = next(int.from_bytes(entry[8:], "little") for entry in entries if entry[0] == 5)
    listed = head[rva + 4 : rva + 20]
    start, size, where = (int.from_bytes(listed[a:b], "little") for a, b in ((0, 8), (8, 12), (12, 16)))
    assert (start, size) == (0x7F0000001000, 0x3000)
    assert head[where : where + size] == b"s" * size


@posix
def test_many_writers_in_one_folder(tmp_path: Path) -> None:
    """None takes another's part file for a dead one's."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_save_safety import some_snapshot
from mdmp.dumpfile.save import save
for number in range(5):
    save(some_snapshot(), {str(tmp_path)!r} + "/" + sys.argv[1] + "." + str(number) + ".dmp")
"""
    children = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(10)]
    assert [child.wait() for child in children] == [0] * 10
    assert len(names(tmp_path)) == 50
    assert all(load(path).issues == () for path in tmp_path.glob("*.dmp"))
