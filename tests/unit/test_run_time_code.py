"""Code made at run time: its unwind entries, by the dump's tables and by the headers that the .NET runtime keeps."""

import struct
from dataclasses import replace

from made_snapshots import make

from mdmp.analysis.managed import AHEAD, JIT, find_runtime
from mdmp.analysis.process_code import ProcessCode
from mdmp.analysis.run_time_code import RunTimeCode
from mdmp.api import analyze
from mdmp.binary.window import Window
from mdmp.dumpfile.load import load
from mdmp.report import Report, as_text
from mdmp.report.options import RenderOptions
from mdmp.snapshot import Context, FunctionTable, Module, Region, Snapshot, Thread
from mdmp.symbols.symbols import Symbols
from synth import minidump as synth

HEAP, HEADERS, STACK = 0x6440A2E0000, 0x1C30000, 0x190000
METHOD = HEAP + 0x140
BASE = HEAP + 0x20
UNWIND = 0x400
"""Of the method, relative to BASE."""
APP = Module(0x140000000, 0x10000, r"C:\app\app.exe", os="windows")
CORECLR = Module(0x7FF900000000, 0x500000, r"C:\dotnet\coreclr.dll", file_version="8.0.1024.46610", os="windows")
# push rbp; push rbx; sub rsp, 0x28
UNWIND_INFO = bytes([0x19, 6, 3, 0, 6, 4 << 4 | 2, 2, 3 << 4, 1, 5 << 4, 0, 0]) + struct.pack("<I", 0)


def heap(header: int = HEADERS + 0x40) -> dict[int, bytes]:
    """A code heap with one method of 0x80 bytes, and where its header is."""
    code = bytearray(0x1000)
    struct.pack_into("<Q", code, METHOD - HEAP - 8, header)
    code[METHOD - HEAP + 0x20 : METHOD - HEAP + 0x22] = b"\xff\xd0"  # call rax
    at = BASE - HEAP + UNWIND
    code[at : at + len(UNWIND_INFO)] = UNWIND_INFO
    headers = bytearray(0x200)
    begin = METHOD - BASE
    struct.pack_into("<QQQQIIII", headers, 0x40, 0x111110, 0, 0x222220, 0x333338, 1, begin, begin + 0x80, UNWIND)
    return {HEAP: bytes(code), HEADERS: bytes(headers)}


def stack() -> bytes:
    """Of a thread that was called by the method, which was called by the program."""
    words = [METHOD + 0x22, *[0] * 5, 0xB0B, 0xFACE, APP.base + 0x1234, *[0] * 8]
    return struct.pack(f"<{len(words)}Q", *words)


def snapshot(modules: tuple[Module, ...] = (APP, CORECLR), regions: tuple[Region, ...] | None = None) -> Snapshot:
    made = make(memory={**heap(), STACK: stack()}, modules=modules, regions=regions)
    context = Context("amd64", {"rip": METHOD + 0x22, "rsp": STACK + 8, "rbp": 0, "rbx": 0})
    return replace(made, threads=(Thread(7, context, stack_start=STACK, stack_size=len(stack())),))


def report(seen: Snapshot) -> Report:
    return analyze(seen)


def test_a_method_is_found_by_its_header() -> None:
    code = RunTimeCode(snapshot(), has_clr=True)
    for address in (METHOD, METHOD + 1, METHOD + 0x7F):
        found = code.function_at(address)
        assert found is not None
        assert (found.base, found.function) == (BASE, (METHOD - BASE, METHOD - BASE + 0x80, UNWIND))
    assert code.is_in_known_heap(HEAP + 0x800)
    assert not code.is_in_known_heap(HEADERS)
    for address in (METHOD - 1, METHOD + 0x80, HEAP, HEADERS + 8, 0x1000, (1 << 64) - 1):
        assert code.function_at(address) is None


def test_without_the_runtime_no_header_is_looked_for() -> None:
    assert RunTimeCode(snapshot(), has_clr=False).function_at(METHOD) is None


def test_words_that_are_no_headers() -> None:
    """Every word of the heap points somewhere; none of it is a header for the address asked."""
    for target in (HEAP, HEADERS, HEADERS + 0x48, HEADERS + 0x1F8):
        pieces = heap(target)
        pieces[HEAP] = struct.pack("<Q", target) * 0x200
        code = RunTimeCode(make(memory=pieces), has_clr=True)
        assert code.function_at(METHOD + 0x20) is None


def test_the_search_has_an_end() -> None:
    pieces = {HEAP: struct.pack("<Q", HEADERS) * 0x8000, HEADERS: bytes(0x1000)}
    code = RunTimeCode(make(memory=pieces), has_clr=True)
    for i in range(1000):
        assert code.function_at(HEAP + 0x20000 + i * 16) is None
    assert code._budget <= 0


def test_the_walk_goes_through_a_compiled_method() -> None:
    thread = report(snapshot()).threads[0]
    assert [(f.instruction, f.trust, f.managed) for f in thread.frames[:2]] == [
        (METHOD + 0x22, "context", JIT),
        (APP.base + 0x1234, "cfi", None),
    ]
    assert thread.frames[1].registers["rbp"] == 0xFACE
    assert thread.frames[1].registers["rbx"] == 0xB0B


def test_the_walk_goes_through_code_that_a_function_table_covers() -> None:
    """Whoever made the code: the tables of the dump say how it unwinds."""
    entry = struct.pack("<III", METHOD - BASE, METHOD - BASE + 0x80, UNWIND)
    table = FunctionTable(HEAP, HEAP + 0x1000, BASE, struct.pack("<III", 0, 8, UNWIND) + entry, 12)
    seen = replace(snapshot(modules=(APP,)), function_tables=(table,))
    thread = report(seen).threads[0]
    assert [(f.instruction, f.trust, f.managed) for f in thread.frames[:2]] == [
        (METHOD + 0x22, "context", None),
        (APP.base + 0x1234, "cfi", None),
    ]
    for broken in (replace(table, entries=b""), replace(table, entries=bytes(24)), replace(table, entry_size=8)):
        assert RunTimeCode(replace(seen, function_tables=(broken,)), False).function_at(METHOD) is None


def test_function_tables_are_loaded() -> None:
    dump = synth.DumpFile()
    dump.stream(7, synth.system_info(synth.AMD64, synth.WINDOWS))
    entry = struct.pack("<III", 0x10, 0x20, 0x30)
    head = struct.pack("<IIIIII", 24, 32, 8, 12, 1, 0)
    dump.stream(13, head + struct.pack("<QQQII", 0x1000, 0x2000, 0x900, 1, 0) + b"native.." + entry)
    assert load(Window(dump.build(), "test")).function_tables == (FunctionTable(0x1000, 0x2000, 0x900, entry, 12),)
    assert load(Window(synth.DumpFile().build(), "test")).function_tables is None


def runtime(*modules: Module) -> str | None:
    seen = make(modules=modules)
    found = find_runtime(seen, Symbols(seen.memory))
    return str(found) if found else None


def test_the_runtime_is_named() -> None:
    def module(path: str, version: str | None = None, os: str = "windows") -> Module:
        return Module(0x10000, 0x1000, path, file_version=version, os=os)

    shared = r"C:\Program Files\dotnet\shared\Microsoft.NETCore.App"
    linux = "/usr/share/dotnet/shared/Microsoft.NETCore.App"
    windows = r"C:\Windows\Microsoft.NET\Framework64"
    told = {
        runtime(module(r"C:\app\coreclr.dll", "8.0.1024.46610")): ".NET 8.0.10 (coreclr.dll 8.0.1024.46610)",
        runtime(module(shared + r"\9.0.1\coreclr.dll")): ".NET 9.0.1 (coreclr.dll)",
        runtime(module(shared + r"\2.2.2\coreclr.dll", "4.6.27317.7")): ".NET Core 2.2.2 (coreclr.dll 4.6.27317.7)",
        runtime(module(r"C:\app\coreclr.dll", "4.700.22.11601")): ".NET Core 3.x (coreclr.dll 4.700.22.11601)",
        runtime(module(r"C:\app\coreclr.dll", "4.6.27317.7")): ".NET Core (coreclr.dll 4.6.27317.7)",
        runtime(module(linux + "/6.0.4/libcoreclr.so", None, "linux")): ".NET 6.0.4 (libcoreclr.so)",
        runtime(module(windows + r"\v4.0.30319\clr.dll", "4.8.9290.0")): ".NET Framework 4.8 (clr.dll 4.8.9290.0)",
        runtime(module(windows + r"\v2.0.50727\mscorwks.dll", "2.0.50727.9174")): (
            ".NET Framework 2.0 (mscorwks.dll 2.0.50727.9174)"
        ),
        runtime(module("/usr/lib/libmonosgen-2.0.so.1", None, "linux")): "Mono (libmonosgen-2.0.so.1)",
        runtime(module(r"C:\game\mono-2.0-bdwgc.dll")): "Mono (mono-2.0-bdwgc.dll)",
    }
    assert {found: found for found in told} == {wanted: wanted for wanted in told.values()}
    assert runtime(APP) is None
    assert runtime(module(r"C:\app\mycoreclr.dll")) is None


def test_code_of_no_module_is_managed_where_the_map_says_it_is_code() -> None:
    def region(protection: str, kind: str | None = "private", name: str | None = None) -> Region:
        return Region(0x50000, 0x1000, "commit", protection, kind=kind, name=name)

    def kind(made: Region, *modules: Module) -> str | None:
        seen = make(modules=modules, regions=(made,))
        return ProcessCode(seen, Symbols(seen.memory)).managed_kind(0x50010)

    assert kind(region("rwx"), CORECLR) == JIT
    assert kind(region("r-x", "mapped"), CORECLR) == JIT
    assert kind(region("r-x", None, "/memfd:doublemapper (deleted)"), CORECLR) == JIT
    assert kind(region("rw-"), CORECLR) is None
    assert kind(region("r-x", "image"), CORECLR) is None
    assert kind(region("r-x", None, "[vdso]"), CORECLR) is None
    assert kind(region("rwx"), APP) is None  # no .NET here


def test_compiled_assemblies_are_managed() -> None:
    library = "/usr/share/dotnet/System.Private.CoreLib.dll"
    modules = (
        Module(0x10000, 0x1000, library, os="linux"),
        Module(0x20000, 0x1000, "/usr/share/dotnet/libcoreclr.so", os="linux"),
    )
    seen = make(os="linux", modules=modules)
    code = ProcessCode(seen, Symbols(seen.memory))
    assert code.managed_kind(0x10500) == AHEAD
    assert code.managed_kind(0x20500) is None


def test_the_report_tells_managed_code() -> None:
    made = report(snapshot())
    assert made.runtime == ".NET 8.0.10 (coreclr.dll 8.0.1024.46610)"
    assert made.blame is not None and (made.blame.frame_index, made.blame.module) == (0, None)
    assert "managed" in made.blame.why
    assert made.signature is not None and "managed code" in made.signature
    text = as_text.render(made, RenderOptions())
    assert f"{METHOD + 0x22:#x} [managed]" in text
    assert "its methods are not named" in text
    assert ".NET 8.0.10" in text
