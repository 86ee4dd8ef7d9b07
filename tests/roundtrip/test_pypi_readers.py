"""What the readers of PyPI, `minidump` and `udmp-parser`, read in the dumps that we write."""

import logging
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

import mdmp
from mdmp.snapshot import Region

SOURCES = ("linux/cores/pie-segv-threads.core.xz", "windows/null_write_x64.dmp", "windows/deep_inline_x86.dmp")
KINDS = ("full", "heap", "mini")


@pytest.fixture(params=[(source, kind) for source in SOURCES for kind in KINDS], ids=lambda p: f"{p[0]}-{p[1]}")
def written(request: pytest.FixtureRequest, data: Path, tmp_path: Path) -> tuple[mdmp.Snapshot, Path]:
    name, kind = request.param
    source = data / name
    if source.suffix == ".xz":
        (tmp_path / "core").write_bytes(lzma.decompress(source.read_bytes()))
        source = tmp_path / "core"
    snapshot = mdmp.open_dump(source)
    # The package `minidump` refuses every dump with a stream that it does not know, like Wine's of its own modules.
    own = tuple(module for module in snapshot.modules or () if module.os == snapshot.system.os)
    # udmp-parser opens no dump with a Memory64List but without a memory map.
    regions = snapshot.regions or tuple(Region(*span, "commit", "rw-") for span in snapshot.memory.ranges)
    snapshot = replace(snapshot, attachments=(), modules=own, regions=regions)
    mdmp.save_dump(snapshot, tmp_path / "out.dmp", kind=kind)
    return snapshot, tmp_path / "out.dmp"


def test_minidump(written: tuple[mdmp.Snapshot, Path]) -> None:
    minidump = pytest.importorskip("minidump.minidumpfile", reason="minidump is not installed")
    snapshot, path = written
    logging.disable()  # it complains about Linux dumps, which have no PEB
    try:
        with path.open("rb") as file:
            read = minidump.MinidumpFile.parse_external(file)
            _, pointer = stack(snapshot)
            assert read.get_reader().read(pointer, 64) == snapshot.memory.read(pointer, 64)
    finally:
        logging.disable(logging.NOTSET)
    assert [m.baseaddress for m in read.modules.modules] == [m.base for m in snapshot.modules or ()]
    assert [t.ThreadId for t in read.threads.threads] == [t.tid for t in snapshot.threads or ()]
    assert read.exception.exception_records[0].ThreadId == snapshot.exceptions[0].tid


def test_udmp_parser(written: tuple[mdmp.Snapshot, Path]) -> None:
    udmp_parser = pytest.importorskip("udmp_parser", reason="udmp-parser is not installed")
    snapshot, path = written
    read = udmp_parser.UserDumpParser()
    assert read.Parse(path)
    assert set(read.Modules()) == {m.base for m in snapshot.modules or ()}
    assert set(read.Threads()) == {t.tid for t in snapshot.threads or ()}
    tid, pointer = stack(snapshot)
    assert read.ForegroundThreadId() == tid
    context = read.Threads()[tid].Context
    assert (context.Rsp if hasattr(context, "Rsp") else context.Esp) == pointer


def stack(snapshot: mdmp.Snapshot) -> tuple[int, int]:
    """The thread that crashed, and its stack pointer."""
    tid = snapshot.exceptions[0].tid
    thread = snapshot.thread(tid or 0)
    assert tid and thread and thread.context
    return tid, thread.context.registers.get("rsp") or thread.context.registers["esp"]
