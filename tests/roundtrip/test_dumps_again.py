"""What is written from a dump reads as the dump did: every one at hand."""

import lzma
from pathlib import Path

import pytest
from same import differences

import mdmp
from mdmp.dumpfile.load import load
from mdmp.dumpfile.save import save
from mdmp.errors import UnusableInputError
from synth.dumpreader import Dump

BIG = 64 << 20


def again(path: Path, tmp_path: Path) -> None:
    before = load(path)
    saved = save(before, tmp_path / "again.dmp")
    after = load(tmp_path / "again.dmp")
    assert differences(before, after) == []
    assert after.issues == ()
    assert after.origin.writer == "mdmp"
    assert saved.size == after.origin.size == (tmp_path / "again.dmp").stat().st_size
    assert [entry.name for entry in tmp_path.iterdir()] == ["again.dmp"]


def test_dumps_of_the_corpus(corpus: Path, tmp_path: Path) -> None:
    count = 0
    for path in sorted((corpus / "dumps").rglob("*.*dmp")):
        try:
            if path.stat().st_size > BIG or load(path).origin.kind != "minidump":
                continue
        except UnusableInputError:
            continue
        again(path, tmp_path)
        count += 1
    assert count > 50


def test_own_windows_dumps(data: Path, tmp_path: Path) -> None:
    paths = sorted(data.glob("windows/*.dmp"))
    assert paths
    for path in paths:
        again(path, tmp_path)


def test_a_full_windows_dump(windows_dump, tmp_path: Path) -> None:
    again(windows_dump("cpp_throw_full_x64.dmp.xz"), tmp_path)


def test_another_reader_sees_the_same(data: Path, tmp_path: Path) -> None:
    """The tests' own reader shares no code with ours."""
    for path in sorted(data.glob("windows/*.dmp")):
        save(load(path), tmp_path / "again.dmp")
        before, after = Dump(path), Dump(tmp_path / "again.dmp")
        assert (after.arch, after.modules) == (before.arch, before.modules)
        assert after.threads == before.threads


CORES = sorted((Path(__file__).parent.parent / "data" / "linux" / "cores").glob("*.core.xz"))


@pytest.mark.parametrize("packed", CORES, ids=lambda path: path.name)
def test_cores_become_minidumps(packed: Path, tmp_path: Path) -> None:
    core = tmp_path / "core"
    core.write_bytes(lzma.decompress(packed.read_bytes()))
    before = mdmp.open_dump(core)
    mdmp.save_dump(before, tmp_path / "out.dmp")
    after = mdmp.open_dump(tmp_path / "out.dmp")
    assert after.issues == ()
    assert after.memory.ranges == before.memory.ranges
    for start, size in before.memory.ranges:
        assert before.memory.read(start, size) == after.memory.read(start, size)
    assert [(m.base, m.size, m.path, m.debug) for m in after.modules or ()] == [
        (m.base, m.size, m.path, m.debug) for m in before.modules or ()
    ]
    for old, new in zip(before.threads or (), after.threads or (), strict=True):
        assert (old.tid, old.stack_start, old.stack_size) == (new.tid, new.stack_start, new.stack_size)
        assert old.context and new.context
        assert {name: old.context.registers.get(name) for name in new.context.registers} == new.context.registers
        assert old.context.vector == new.context.vector
        assert old.context.xstate == new.context.xstate
    assert [(e.tid, e.code, e.flags, e.address or 0) for e in before.exceptions] == [
        (e.tid, e.code, e.flags, e.address) for e in after.exceptions
    ]
    assert [(r.start, r.size, r.protection or "---", r.name) for r in before.regions or ()] == [
        (r.start, r.size, r.protection, r.name) for r in after.regions or ()
    ]
    assert after.process.pid == before.process.pid
    assert after.process.command_line == before.process.command_line
    assert after.auxv == before.auxv
