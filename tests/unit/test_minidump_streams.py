"""Every stream out of an assembled dump: values, strides, padding, and what damage costs."""

import struct

import pytest

from mdmp.binary.window import Window
from mdmp.errors import IssueLog, UnusableInputError
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import handle_data, memory_info_list, table
from synth import minidump as synth

GUID = bytes(range(16))


def opened(dump: synth.DumpFile | bytes) -> Minidump:
    return Minidump(Window(dump if isinstance(dump, bytes) else dump.build(), "test.dmp"))


def one(number: int, data: bytes) -> Minidump:
    dump = synth.DumpFile()
    dump.stream(number, data)
    return opened(dump)


def test_header_and_directory() -> None:
    dump = synth.DumpFile(flags=0x1_0000_0002, timestamp=77, version=0x1234A793)
    dump.streams.append((0, 0, 0))
    dump.stream(table.COMMENT_A, b"hello\0")
    dump.streams.append((0, 0, 0))
    read = opened(dump)
    assert (read.header.Flags, read.header.TimeDateStamp, read.header.Version) == (0x1_0000_0002, 77, 0x1234A793)
    assert [entry.StreamType for entry in read.directory] == [0, 10, 0]
    assert read.stream(table.COMMENT_A) == "hello"
    assert read.stream(table.COMMENT_W) is None
    assert read.issues.freeze() == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PMDM" + bytes(28), "big-endian"),
        (b"PAGEDU64" + bytes(28), "kernel"),
        (b"PAGE" + bytes(28), "kernel"),
        (b"\x7fELF" + bytes(12) + b"\4\0" + bytes(20), "ELF core"),
        (b"PK\3\4" + bytes(28), "zip"),
        (b"\x1f\x8b" + bytes(28), "gzip"),
        (b"MSCF" + bytes(28), "cabinet"),
        (bytes(4096), "every byte is zero"),
        (bytes(32) + b"x" * 8000, "begins with zeros|begins with 00"),
        (b"W/google-breakpad(1): -----", "microdump"),
        (b"MDMP\x93\xa7", "cut off"),
        (synth.DumpFile().build()[:8] + struct.pack("<II", 4, 0x9999) + bytes(16), "directory"),
    ],
)
def test_what_is_no_minidump_is_told(data: bytes, words: str) -> None:
    with pytest.raises(UnusableInputError, match=words) as caught:
        opened(data)
    assert "\n" not in str(caught.value)


def test_directory_cut_short_keeps_what_is_there() -> None:
    dump = synth.DumpFile(capacity=2)
    dump.stream(table.COMMENT_A, b"first")
    raw = bytearray(dump.build())
    struct.pack_into("<I", raw, 8, 4_000_000_000)
    read = opened(bytes(raw))
    assert read.stream(table.COMMENT_A) == "first"
    assert read.issues.freeze()[0].place == "MINIDUMP_HEADER.NumberOfStreams"


def test_stream_beyond_the_end_and_stream_cut_by_it() -> None:
    dump = synth.DumpFile()
    dump.streams.append((table.COMMENT_A, 8, 0x999999))
    dump.stream(table.COMMENT_W, "abcd".encode("utf-16-le"))
    read = opened(dump.build()[:-4])
    assert read.stream(table.COMMENT_A) is None
    assert read.stream(table.COMMENT_W) == "ab"
    assert [issue.place for issue in read.issues.freeze()] == ["CommentStreamA", "CommentStreamW"]


def test_repeated_stream_first_counts_and_exceptions_all_count() -> None:
    dump = synth.DumpFile()
    for text in (b"one", b"two"):
        dump.stream(table.COMMENT_A, text)
    for tid in (1, 2):
        dump.stream(table.EXCEPTION, synth.exception(tid, 0xC0000005, 0x1000 + tid, [0, 0x18]))
    read = opened(dump)
    assert read.stream(table.COMMENT_A) == "one"
    assert [found.ThreadId for found in read.streams(table.EXCEPTION)] == [1, 2]
    assert read.streams(table.EXCEPTION)[1].ExceptionRecord.ExceptionInformation[:2] == (0, 0x18)
    assert len(read.issues.freeze()) == 1


@pytest.mark.parametrize("padding", [False, True])
def test_counted_lists_with_and_without_padding(padding: bool) -> None:
    threads = [synth.thread(tid, teb=0x7FFE0000 + tid, stack=(0x1000, 0x20, 0x30)) for tid in (11, 12)]
    found = one(table.THREAD_LIST, synth.counted(threads, padding)).stream(table.THREAD_LIST)
    assert [thread.ThreadId for thread in found] == [11, 12]
    assert found[1].Stack.StartOfMemoryRange == 0x1000
    assert found[-1].Stack.Memory.Rva == 0x30
    assert found[0:1] == (found[0],)
    with pytest.raises(IndexError):
        found[2]


def test_count_beyond_the_stream_reads_what_fits() -> None:
    raw = bytearray(synth.counted([synth.thread(11), synth.thread(12)]))
    struct.pack_into("<I", raw, 0, 0xFFFFFFFF)
    read = one(table.THREAD_LIST, bytes(raw))
    assert len(read.stream(table.THREAD_LIST)) == 2
    assert read.issues.freeze()[0].place == "ThreadListStream.Threads"


def test_modules_names_and_codeview() -> None:
    dump = synth.DumpFile()
    name = dump.string("C:\\app\\größe.exe")
    rsds = synth.rsds(GUID, 3, "C:\\build\\app.pdb")
    nb10 = b"NB10" + struct.pack("<III", 0, 0x11223344, 2) + b"old.pdb\0"
    bpel = b"LEpB" + bytes(range(20))
    records = [(len(raw), dump.place(raw)) for raw in (rsds, nb10, bpel, b"XYZW1234", b"RSDS")]
    entries = [synth.module(0x400000 + i * 0x10000, 0x8000, name, cv=cv) for i, cv in enumerate(records)]
    entries.append(synth.module(0x900000, 0x1000, 0x7FFFFFF0, cv=(24, 0x7FFFFFF0)))
    dump.stream(table.MODULE_LIST, synth.counted(entries))
    read = opened(dump)
    found = read.stream(table.MODULE_LIST)
    assert found[0].name == "C:\\app\\größe.exe"
    assert found[0].codeview == ("RSDS", GUID, 3, "C:\\build\\app.pdb")
    assert found[1].codeview == ("NB10", bytes.fromhex("44332211"), 2, "old.pdb")
    assert found[2].codeview == ("BpEL", bytes(range(20)), 0, "")
    assert found[3].codeview.kind == b"XYZW".hex()
    assert found[4].codeview is None
    assert (found[5].name, found[5].codeview) == (None, None)
    assert found[0].record.VersionInfo.dwFileVersionMS == 0x00010002
    assert [issue.place for issue in read.issues.freeze()] == [
        "ModuleListStream.Modules[4].CvRecord",
        "ModuleListStream.Modules[5].ModuleNameRva",
        "ModuleListStream.Modules[5].CvRecord",
    ]


def test_sized_lists_honour_header_and_entry_sizes() -> None:
    dump = synth.DumpFile()
    name = dump.string("gone.dll")
    gone = [struct.pack("<QIIII", 0x10000 * i, 0x1000, 1, 2, name) for i in (1, 2)]
    dump.stream(table.UNLOADED_MODULE_LIST, synth.sized(gone, header=20, entry=32))
    info = [struct.pack("<IIIIQQQQQQ", 7, 2, 0, 259, 1, 2, 3, 4, 0x401000, 0xFF)]
    dump.stream(table.THREAD_INFO_LIST, synth.sized(info, entry=64))
    regions = [struct.pack("<QQIIQIIII", 0x1000 * i, 0x1000, 4, 0, 0x1000, 0x1000, 0x20, 0x1000000, 0) for i in (1, 2)]
    dump.stream(table.MEMORY_INFO_LIST, struct.pack("<IIQ", 16, 48, 2) + b"".join(regions))
    read = opened(dump)
    assert [(m.record.BaseOfImage, m.name) for m in read.stream(14)] == [(0x10000, "gone.dll"), (0x20000, "gone.dll")]
    assert read.stream(17)[0].StartAddress == 0x401000
    assert [region.BaseAddress for region in read.stream(16)] == [0x1000, 0x2000]
    assert read.stream(16)[1].Protect == 0x20
    assert read.issues.freeze() == ()


@pytest.mark.parametrize(
    ("number", "data", "place"),
    [
        (14, struct.pack("<III", 12, 8, 3) + bytes(72), "UnloadedModuleListStream.SizeOfEntry"),
        (14, struct.pack("<III", 4000, 24, 3) + bytes(72), "UnloadedModuleListStream.SizeOfHeader"),
        (16, struct.pack("<IIQ", 16, 0, 1 << 60) + bytes(96), "MemoryInfoListStream.SizeOfEntry"),
        (22, struct.pack("<H", 9) + bytes(90), "ProcessVmCountersStream.Revision"),
        (7, bytes(20), "SystemInfoStream.MINIDUMP_SYSTEM_INFO"),
        (19, struct.pack("<IIII", 0, 5, 16, 16) + struct.pack("<IIQ", 3, 0, 0), "TokenStream.Tokens[0].TokenSize"),
    ],
)
def test_damage_is_named_with_its_place(number: int, data: bytes, place: str) -> None:
    read = one(number, data)
    read.stream(number)
    assert [issue.place for issue in read.issues.freeze()] == [place]


def test_handles_of_both_versions_and_their_chains() -> None:
    dump = synth.DumpFile()
    kind, name = dump.string("Mutant"), dump.string("\\BaseNamedObjects\\lock")
    last = dump.place(struct.pack("<III", 0, 3, 4) + b"last")
    first = dump.place(struct.pack("<III", last, 2, 5) + b"first")
    loop_rva = 32 + 12 * 16 + len(dump.body)
    dump.place(struct.pack("<III", loop_rva, 1, 0))
    v1 = struct.pack("<QIIIIII", 0x44, kind, 0, 0, 0x1F0001, 2, 3)
    v2 = struct.pack("<QIIIIIIII", 0x48, kind, name, 0, 0x1F0001, 2, 3, first, 0)
    loop = struct.pack("<QIIIIIIII", 0x4C, kind, 0x7FFFFFFF, 0, 0, 0, 0, loop_rva, 0)
    dump.stream(table.HANDLE_DATA, struct.pack("<IIII", 16, 32, 1, 0) + v1)
    dump.stream(table.HANDLE_DATA, struct.pack("<IIII", 16, 40, 2, 0) + v2 + loop)
    read = opened(dump)
    old, new = read.streams(table.HANDLE_DATA)
    assert (old[0].record.Handle, old[0].type_name, old[0].object_name) == (0x44, "Mutant", None)
    assert new[0].object_name == "\\BaseNamedObjects\\lock"
    assert [(info.record.InfoType, info.data) for info in new[0].information] == [(2, b"first"), (3, b"last")]
    assert len(new[1].information) == 8
    assert [issue.place for issue in read.issues.freeze()] == ["HandleDataStream.Descriptors[1].ObjectNameRva"]


def test_misc_info_versions_and_flags() -> None:
    zone = struct.pack("<i64s16si64s16si", -60, "CET".encode("utf-16-le"), b"", 0, "CEST".encode("utf-16-le"), b"", -60)
    body = struct.pack("<6I", 0, 0x3F7, 1234, 1_600_000_000, 5, 6) + struct.pack("<5I", 3000, 2000, 3000, 1, 1)
    body += struct.pack("<4I", 0x3000, 0x4D, 0, 2) + zone
    body += "19041.1.amd64fre".encode("utf-16-le").ljust(520, b"\0") + "dbgcore".encode("utf-16-le").ljust(80, b"\0")
    features = struct.pack("<II", 576, 256) * 3 + bytes(8 * 61)
    body += struct.pack("<IIQ", 528, 1663, 7) + features + struct.pack("<I", 0xC00C1E)
    assert len(body) == 1364
    for version, size in enumerate((24, 44, 232, 832, 1364), 1):
        info = one(table.MISC_INFO, struct.pack("<I", size) + body[4:size]).stream(table.MISC_INFO)
        assert info.version == version
        assert info.has(0x1) and info.record.ProcessId == 1234
        assert info.has(0x200, 5) == (version == 5)
    assert info.record.ProcessCookie == 0xC00C1E
    assert info.record.XStateData.Features[2].Size == 256
    assert info.record.TimeZone.Bias == -60
    short = one(table.MISC_INFO, struct.pack("<I", 1364) + body[4:60])
    assert short.stream(table.MISC_INFO).version == 2
    assert short.issues.freeze()[0].place == "MiscInfoStream.SizeOfInfo"


def test_function_tables() -> None:
    entry = struct.pack("<III", 0x10, 0x20, 0x30)
    head = struct.pack("<IIIIII", 24, 32, 8, 12, 2, 4) + bytes(4)
    tables = struct.pack("<QQQII", 0x1000, 0x2000, 0x1000, 1, 4) + b"native.." + entry + bytes(4)
    tables += struct.pack("<QQQII", 0x3000, 0x4000, 0x3000, 500, 0) + b"native.." + entry
    read = one(table.FUNCTION_TABLE, head + tables)
    found = read.stream(table.FUNCTION_TABLE)
    assert [(t.record.BaseAddress, t.native, t.entries) for t in found.tables] == [(0x1000, b"native..", entry)]
    assert read.issues.freeze()[0].place == "FunctionTableStream.Descriptors[1]"


def test_memory64_and_thread_names_and_extended_threads() -> None:
    dump = synth.DumpFile()
    dump.stream(table.MEMORY64_LIST, synth.memory64([(0x10000, 0x100), (1 << 40, 1 << 33)], 0x2019))
    dump.stream(
        table.THREAD_NAMES,
        synth.counted([struct.pack("<IQ", 5, dump.string("worker")), struct.pack("<IQ", 6, 1 << 40)]),
    )
    dump.stream(table.THREAD_EX_LIST, synth.counted([synth.thread(9) + struct.pack("<QII", 0x5000, 16, 0)]))
    read = opened(dump)
    found = read.stream(table.MEMORY64_LIST)
    assert found.header.BaseRva == 0x2019
    assert list(found.ranges) == [(0x10000, 0x100), (1 << 40, 1 << 33)]
    assert [entry.name for entry in read.stream(table.THREAD_NAMES)] == ["worker", None]
    assert read.stream(table.THREAD_EX_LIST)[0].BackingStore.StartOfMemoryRange == 0x5000
    assert [issue.place for issue in read.issues.freeze()] == ["ThreadNamesStream.ThreadNames[1].RvaOfThreadName"]


def test_counters_and_operations() -> None:
    counters = struct.pack("<HHI18Q", 2, 0x1F, 42, *range(100, 118))
    assert one(table.PROCESS_VM_COUNTERS, counters).stream(22).JobTotalCommitLimit == 117
    memory = struct.pack("<HH6I3QI", 1, 0xF, 1, 4096, 1000, 1, 999, 65536, 1, 2, 3, 8).ljust(492, b"\0")
    assert one(table.SYSTEM_MEMORY_INFO, memory).stream(21).BasicInfo.NumberOfPhysicalPages == 1000
    trace = struct.pack("<II32Q", 2, 0, 0x401000, 0x402000, *[0] * 30)
    operation = struct.pack("<QIIII", 0x44, 1, 2, 3, 0) + trace
    listed = struct.pack("<IIII", 16, 288, 1, 0) + operation
    assert one(table.HANDLE_OPERATION_LIST, listed).stream(18)[0].BackTraceInformation.ReturnAddresses[1] == 0x402000


def test_breakpad_streams() -> None:
    assert one(table.BREAKPAD_INFO, struct.pack("<III", 3, 7, 8)).stream(table.BREAKPAD_INFO) == (3, 7, 8)
    fields = ("x != 0", "run", "app.cpp")
    texts = b"".join(text.encode("utf-16-le").ljust(256, b"\0") for text in fields)
    assertion = one(table.ASSERTION_INFO, texts + struct.pack("<II", 12, 1)).stream(table.ASSERTION_INFO)
    assert assertion[1:] == fields and assertion.record.Line == 12
    maps = b"00400000-00401000 r-xp 00000000 08:01 1 /bin/app\n"
    assert one(table.LINUX_MAPS, maps).stream(table.LINUX_MAPS) == maps
    wide = struct.pack("<QQQQQQ", 6, 4096, 9, 0x401000, 0, 0)
    narrow = struct.pack("<IIIIII", 6, 4096, 9, 0x401000, 0, 0)
    for raw in (wide, narrow):
        assert one(table.LINUX_AUXV, raw).stream(table.LINUX_AUXV) == ((6, 4096), (9, 0x401000))


@pytest.mark.parametrize("wide", [True, False])
def test_linker_list_of_both_widths(wide: bool) -> None:
    dump = synth.DumpFile()
    step, code = (24, "<QIIQ") if wide else (12, "<III")
    at = 32 + 12 * 16 + len(dump.body)
    names = at + 2 * step
    pad = [0] if wide else []
    dump.place(struct.pack(code, 0x1000, names, *pad, 0x2000))
    dump.place(struct.pack(code, 0x3000, names + 6 + 2 * len("a.so"), *pad, 0x4000))
    for name in ("a.so", "b.so"):
        dump.string(name)
    head = struct.pack("<IIIIQQQ", 1, at, 2, 0, 1, 2, 3) if wide else struct.pack("<IIIIII", 1, at, 2, 1, 2, 3)
    dump.stream(table.LINUX_DSO_DEBUG, head + b"dynamic!")
    found = opened(dump).stream(table.LINUX_DSO_DEBUG)
    assert [(library.record.addr, library.name) for library in found.libraries] == [(0x1000, "a.so"), (0x3000, "b.so")]
    assert (found.record.ldbase, found.dynamic) == (2, b"dynamic!")


def test_crashpad_annotations() -> None:
    dump = synth.DumpFile()
    pair = dump.place(struct.pack("<III", 1, dump.utf8("key"), dump.utf8("value")))
    text = dump.place(struct.pack("<II", 1, dump.utf8("line")))
    value = dump.utf8("42")
    objects = dump.place(struct.pack("<IIHHI", 1, dump.utf8("name"), 1, 0, value))
    info = dump.place(struct.pack("<IIIIIII", 1, 8, text, 12, pair, 16, objects))
    modules = dump.place(struct.pack("<IIII", 1, 5, 28, info))
    dump.stream(
        table.CRASHPAD_INFO, struct.pack("<I", 1) + GUID + GUID[::-1] + struct.pack("<IIII", 12, pair, 16, modules)
    )
    found = opened(dump).stream(table.CRASHPAD_INFO)
    assert found.simple_annotations == {"key": "value"}
    (module,) = found.modules
    assert module[:3] == (5, ("line",), {"key": "value"})
    assert module.annotation_objects == (("name", 1, b"42"),)


def test_mozilla_streams() -> None:
    dump = synth.DumpFile()
    strings = b"/usr/lib/dyld\0library missing\0\0\0\0"
    record = dump.place(struct.pack("<QQQQQ", 0, 5, 1, 2, 3) + strings)
    location = struct.pack("<II", 40 + len(strings), record)
    dump.stream(table.MAC_CRASH_INFO, struct.pack("<III", 0, 1, 40) + location.ljust(160, b"\0"))
    dump.stream(table.MAC_BOOT_ARGS, struct.pack("<IQ", 0, dump.string("-v keepsyms=1")))
    dump.stream(table.SOFT_ERRORS, b'[{"x": 1}]')
    read = opened(dump)
    (info,) = read.stream(table.MAC_CRASH_INFO)
    assert info.strings == {"module_path": "/usr/lib/dyld", "message": "library missing"}
    assert info.record.AbortCause == 3
    assert read.stream(table.MAC_BOOT_ARGS).text == "-v keepsyms=1"
    assert read.stream(table.SOFT_ERRORS) == b'[{"x": 1}]'


def test_unknown_streams_are_bytes() -> None:
    read = one(0x12345678, b"anything")
    assert read.decode(0) == b"anything"
    assert table.stream_name(0x12345678) == "Stream 0x12345678"
    assert table.stream_name(3) == "ThreadListStream"


def test_an_empty_list_may_say_nothing_of_the_size_of_its_entries() -> None:
    stream = Window(struct.pack("<4I", 16, 0, 0, 0), "stream")
    assert list(handle_data.decode(stream, stream, IssueLog())) == []
    assert list(memory_info_list.decode(stream, stream, IssueLog())) == []
