"""`mdmp convert`: cores and full dumps to minidumps, in a process of its own."""

import lzma
from pathlib import Path

import pytest
from command import assert_refused, mdmp

import mdmp as api

CORES = Path(__file__).parent.parent / "data" / "linux" / "cores"


def test_a_core_becomes_a_minidump(tmp_path: Path) -> None:
    packed = CORES / "segv.core.xz"
    (tmp_path / "core").write_bytes(lzma.decompress(packed.read_bytes()))
    result = mdmp("convert", tmp_path / "core", tmp_path / "out.dmp")
    found = api.open_dump(tmp_path / "out.dmp")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"{tmp_path / 'out.dmp'}: {found.origin.size} bytes, {sum(size for _, size in found.memory.ranges)} of them "
        f"memory; {len(found.threads)} threads, {len(found.modules)} modules\n"
    )
    assert found.origin.kind == "minidump"


def test_a_full_dump_is_slimmed(windows_dump, tmp_path: Path) -> None:
    source = windows_dump("cpp_throw_full_x64.dmp.xz")
    sizes = {}
    for kind in ("full", "heap", "indirect", "mini", "0x0"):
        assert mdmp("convert", source, tmp_path / "out.dmp", "--type", kind).code == 0
        sizes[kind] = (tmp_path / "out.dmp").stat().st_size
        before, after = api.analyze(api.open_dump(source)), api.analyze(api.open_dump(tmp_path / "out.dmp"))
        assert before.crash.title.startswith(after.crash.title)
        assert [thread.tid for thread in after.threads] == [thread.tid for thread in before.threads]
    assert sizes["full"] > sizes["heap"] > sizes["indirect"] > sizes["mini"] == sizes["0x0"]
    result = mdmp("convert", source, tmp_path / "out.dmp", "--type", "heap", "--budget", "100k", "--scrub-stacks")
    assert result.code == 0
    small = api.open_dump(tmp_path / "out.dmp")
    assert sum(size for _, size in small.memory.ranges) <= 100 << 10
    assert small.annotations.comments[-1].startswith("mdmp: kept to a budget of 102400 bytes")


def test_wrong_requests(data: Path, tmp_path: Path) -> None:
    source = data / "windows" / "null_write_x64.dmp"
    assert_refused(mdmp("convert", source, tmp_path / "a", "--type", "tiny"), "no such type", "mini")
    assert_refused(mdmp("convert", source, tmp_path / "a", "--budget", "lots"), "not a size")
    assert_refused(mdmp("convert", source, tmp_path / "no" / "a"), "cannot write")
    assert_refused(mdmp("convert", tmp_path / "none", tmp_path / "a"), "none")
    copy = tmp_path / "copy.dmp"
    copy.write_bytes(source.read_bytes())
    assert_refused(mdmp("convert", copy, copy), "to write")
    assert copy.read_bytes() == source.read_bytes()
    with pytest.raises(api.UsageError, match="no dump type"):
        api.save_dump(api.open_dump(source), tmp_path / "a", kind="tiny")
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy.dmp"]
