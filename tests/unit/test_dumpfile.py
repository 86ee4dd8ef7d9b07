"""Minidump -> snapshot: what each part becomes, and that damage costs only its part."""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mdmp.binary.window import Window
from mdmp.dumpfile.load import load
from mdmp.errors import MemoryUnavailable
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Snapshot
from synth import minidump as synth

GUID = bytes(range(16))


def loaded(dump: synth.DumpFile | bytes) -> Snapshot:
    return load(Window(dump if isinstance(dump, bytes) else dump.build(), "test.dmp"))


def windows_dump() -> synth.DumpFile:
    """Two threads, a module, an exception, stacks in the memory list, a TEB with a last error."""
    dump = synth.DumpFile(timestamp=1_600_000_100)
    dump.stream(table.SYSTEM_INFO, synth.system_info(synth.AMD64, synth.WINDOWS, dump.string("Service Pack 1")))
    stack = dump.place(b"stack bytes here")
    context = dump.place(synth.context_amd64(rip=0x140001234, rsp=0x10000))
    dump.stream(
        table.THREAD_LIST,
        synth.counted(
            [
                synth.thread(7, teb=0x30000, stack=(0x10000, 16, stack), context=(1232, context)),
                synth.thread(8, context=(1232, 0x7FFFFFFF)),
            ]
        ),
    )
    cv = synth.rsds(GUID, 2, "D:\\out\\app.pdb")
    name = dump.string("C:\\app\\app.exe")
    dump.stream(
        table.MODULE_LIST, synth.counted([synth.module(0x140000000, 0x5000, name, cv=(len(cv), dump.place(cv)))])
    )
    teb = dump.place(bytes(0x68) + struct.pack("<I", 1400))
    dump.stream(
        table.MEMORY_LIST,
        synth.counted([struct.pack("<QII", 0x10000, 16, stack), struct.pack("<QII", 0x30000, 0x6C, teb)]),
    )
    fault = dump.place(synth.context_amd64(rip=0x140001230))
    dump.stream(table.EXCEPTION, synth.exception(7, 0xC0000005, 0x140001230, [1, 0x18], (1232, fault)))
    dump.stream(table.MISC_INFO, struct.pack("<6I", 24, 3, 4242, 1_600_000_000, 5, 6))
    dump.stream(table.BREAKPAD_INFO, struct.pack("<III", 3, 8, 7))
    dump.stream(table.THREAD_NAMES, synth.counted([struct.pack("<IQ", 7, dump.string("main"))]))
    dump.stream(0x7777, b"of somebody else")
    return dump


def test_a_windows_dump() -> None:
    found = loaded(windows_dump())
    assert (found.system.os, found.system.cpu, found.system.os_version) == ("windows", "amd64", "10.0.19045")
    assert (found.system.os_build, found.system.cpu_count) == ("Service Pack 1", 8)
    assert found.system.cpu_model == "family 6 model 58 stepping 9"
    assert (found.system.cpu_vendor, found.system.cpu_features[0]) == ("GenuineIntel", 0x306A9)
    assert found.origin.time == datetime.fromtimestamp(1_600_000_100, UTC)
    assert (found.process.pid, found.process.user_time) == (4242, timedelta(seconds=5))
    assert found.threads is not None
    first, second = found.threads
    assert (first.name, first.last_error, first.priority, first.teb) == ("main", 1400, -1, 0x30000)
    assert (first.stack_start, first.stack_size) == (0x10000, 16)
    assert first.context is not None and first.context.registers["rip"] == 0x140001234
    assert (second.context, second.name, second.wrote_the_dump) == (None, None, True)
    assert found.requesting_tid == 7
    (module,) = found.modules or ()
    assert (module.name, module.file_version, module.product_version) == ("app.exe", "1.2.3.4", "5.6.7.8")
    assert module.debug is not None
    assert module.debug.breakpad == "030201000504070608090A0B0C0D0E0F2"
    assert (module.debug.kind, module.debug.path, module.code_id) == ("pdb70", "D:\\out\\app.pdb", "5F5E10005000")
    (record,) = found.exceptions
    assert (record.tid, record.code, record.address, record.parameters) == (7, 0xC0000005, 0x140001230, (1, 0x18))
    assert record.context is not None and record.context.registers["rip"] == 0x140001230
    assert found.memory.read(0x10006, 5) == b"bytes"
    assert [(a.stream_type, a.read()) for a in found.attachments] == [(0x7777, b"of somebody else")]
    assert found.origin.writer == "Breakpad"
    assert [issue.place for issue in found.issues] == ["ThreadListStream.Threads[1].ThreadContext"]


def test_an_empty_dump_knows_nothing() -> None:
    found = loaded(synth.DumpFile())
    assert (found.system.os, found.system.cpu) == ("unknown", "unknown")
    assert found.threads is found.modules is found.regions is found.handles is None
    assert found.exceptions == ()
    assert found.memory.ranges == ()
    with pytest.raises(MemoryUnavailable):
        found.memory.read(0, 1)


def test_memory_of_full_dumps_beyond_the_file_and_overlaps() -> None:
    dump = synth.DumpFile()
    base = 32 + 12 * 16 + 16 + 5 * 16
    ranges = [(0x1000, 16), (0x1010, 16), (0x3000, 16), (0x3008, 16), (0x9000, 1 << 40)]
    dump.stream(table.MEMORY64_LIST, synth.memory64(ranges, base))
    dump.place(bytes(range(80)))
    found = loaded(dump)
    assert found.memory.ranges == ((0x1000, 32), (0x3000, 24), (0x9000, 16))
    assert found.memory.read(0x100C, 8) == bytes(range(12, 20))
    assert found.memory.read(0x3000, 24) == bytes(range(32, 48)) + bytes(range(56, 64))
    assert found.memory.read(0x9000, 16) == bytes(range(64, 80))
    assert found.memory.read_some(0x900C, 100) == bytes(range(76, 80))
    assert found.memory.read_some(0x2FFF, 100) == b""
    assert found.memory.word(0x1000, 4) == 0x03020100
    assert found.memory.word(0x900E, 4) is None
    for address, size in ((0x101F, 2), (0x9000, 17), (0x9000, 1 << 62), (0xFFF, 1)):
        with pytest.raises(MemoryUnavailable):
            found.memory.read(address, size)
    assert [issue.place for issue in found.issues] == ["memory"]
    assert "1 of 5 ranges" in found.issues[0].problem


def test_regions_from_windows_and_from_linux() -> None:
    dump = synth.DumpFile()
    entries = [
        struct.pack("<QQIIQIIII", 0x1000, 0x1000, 4, 0, 0x2000, 0x1000, 0x104, 0x20000, 0),
        struct.pack("<QQIIQIIII", 0x3000, 0x3000, 0x80, 0, 0x1000, 0x1000, 0x20, 0x1000000, 0),
        struct.pack("<QQIIQIIII", 0x4000, 0, 0, 0, 0x1000, 0x10000, 0x1, 0, 0),
    ]
    dump.stream(table.MEMORY_INFO_LIST, struct.pack("<IIQ", 16, 48, 3) + b"".join(entries))
    guard, code, free = loaded(dump).regions or ()
    assert (guard.protection, guard.guard, guard.kind, guard.end) == ("rw-", True, "private", 0x3000)
    assert (code.protection, code.kind, code.windows_protection, code.state) == ("r-x", "image", 0x20, "commit")
    assert (free.state, free.protection) == ("free", "---")

    maps = b"00400000-00401000 r-xp 00000000 08:01 1    /bin/a b\nrubbish\n"
    maps += b"7ff0000-8000000 rw-p 0 0:0 0 [stack]\n-1-5 rwxp 0 0 0\n"
    dump.stream(table.LINUX_MAPS, maps)
    found = loaded(dump)
    assert [(r.start, r.end, r.protection, r.name) for r in found.regions or ()] == [
        (0x400000, 0x401000, "r-x", "/bin/a b"),
        (0x7FF0000, 0x8000000, "rw-", "[stack]"),
    ]
    region = found.region_at(0x400FFF)
    assert region is not None and region.name == "/bin/a b"


@pytest.mark.parametrize(
    ("platform", "kind", "debug_id"),
    [
        (synth.MACOS, "macho", "030201000504070608090A0B0C0D0E0F0"),
        (synth.LINUX, "elf", "030201000504070608090A0B0C0D0E0F0"),
    ],
)
def test_modules_of_other_systems(platform: int, kind: str, debug_id: str) -> None:
    dump = synth.DumpFile()
    dump.stream(table.SYSTEM_INFO, synth.system_info(synth.AMD64, platform))
    build_id = bytes(range(20))
    cv = synth.rsds(GUID, 0, "libx.dylib") if kind == "macho" else b"LEpB" + build_id
    zero = b"LEpB" + bytes(20)
    names = [dump.string("/lib/libx.so"), dump.string("/lib/liby.so")]
    places = [(len(raw), dump.place(raw)) for raw in (cv, zero)]
    entries = [
        synth.module(0x1000 * i, 0x1000, name, cv=at, stamp=0)
        for i, (name, at) in enumerate(zip(names, places, strict=True))
    ]
    dump.stream(table.MODULE_LIST, synth.counted([*entries, entries[0]]))
    modules = loaded(dump).modules or ()
    assert len(modules) == 3
    assert modules[0].debug is not None
    assert (modules[0].debug.kind, modules[0].debug.breakpad, modules[0].timestamp) == (kind, debug_id, None)
    assert modules[0].code_id == (build_id.hex() if kind == "elf" else debug_id[:32].lower())
    assert modules[1].debug is None
    assert modules[2] == modules[0]


def test_annotations_comments_and_linux_texts() -> None:
    dump = synth.DumpFile()
    dump.stream(table.COMMENT_W, "*** procdump -ma app.exe".encode("utf-16-le"))
    texts = b"".join(text.encode("utf-16-le").ljust(256, b"\0") for text in ("x > 0", "run", "a.cpp"))
    dump.stream(table.ASSERTION_INFO, texts + struct.pack("<II", 3, 0))
    dump.stream(table.LINUX_CMD_LINE, b"app\0--flag\0two words\0")
    dump.stream(table.LINUX_PROC_STATUS, b"Name:\tapp\nPid:\t77\nPPid:\t1\n")
    value = dump.utf8("one")
    objects = dump.place(struct.pack("<I", 2) + struct.pack("<IHHI", dump.utf8("k"), 1, 0, value) * 2)
    info = dump.place(struct.pack("<IIIIIII", 1, 0, 0, 0, 0, 28, objects))
    modules = dump.place(struct.pack("<IIII", 1, 0, 28, info))
    dump.stream(table.CRASHPAD_INFO, struct.pack("<I", 1) + GUID + bytes(16) + struct.pack("<IIII", 0, 0, 16, modules))
    found = loaded(dump)
    notes = found.annotations
    assert notes.comments == ("*** procdump -ma app.exe",)
    assert notes.assertion == "x > 0 in run, a.cpp:3"
    assert (notes.report_id, notes.client_id) == ("03020100-0504-0706-0809-0a0b0c0d0e0f", None)
    assert notes.modules == {0: {"k": "one", "k[2]": "one"}}
    assert set(notes.texts) == {"cmdline", "status"}
    assert (found.process.pid, found.process.command_line) == (77, "app --flag two words")
    assert found.origin.writer == "Crashpad"


@pytest.mark.parametrize(
    ("number", "data", "writer"),
    [
        (table.COMMENT_W, "\n*** procdump64.exe -ma 12".encode("utf-16-le"), "ProcDump"),
        (table.SOFT_ERRORS, b"[]", "the Rust minidump-writer"),
        (table.WINE_MODULE_LIST, synth.counted([]), "Wine"),
        (table.LINUX_MAPS, b"x", "Breakpad's Linux client or a descendant"),
        (0x9999, b"x", None),
    ],
)
def test_the_writer_is_guessed_with_evidence(number: int, data: bytes, writer: str | None) -> None:
    dump = synth.DumpFile()
    dump.stream(number, data)
    origin = loaded(dump).origin
    assert origin.writer == writer
    assert bool(origin.writer_evidence) == bool(writer)


def test_own_dumps_open_without_an_issue(data: Path) -> None:
    dumps = sorted(data.glob("windows/*.dmp"))
    assert dumps
    for path in dumps:
        found = load(path)
        assert found.issues == ()
        assert found.threads and found.modules
        assert found.origin.writer == "Wine"
        for thread in found.threads:
            assert thread.context is not None and thread.stack_start is not None
            assert found.memory.read_some(thread.stack_start, 8)
