"""Reports made by hand, for the tests of everything that shows a report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mdmp.errors import Issue
from mdmp.report import (
    Blame,
    Crash,
    DumpFacts,
    Finding,
    Frame,
    InlineFrame,
    MemoryAccess,
    ModuleReport,
    Report,
    SourceContext,
    SymbolState,
    ThreadReport,
)

APP_BASE = 0x7FF6_1000_0000
KERNEL_BASE = 0x7FFA_2000_0000

FOUND = SymbolState("found", path="symbols/shop.pdb", tried=("symbols/shop.pdb",), format="pdb")
MISSING = SymbolState("missing", tried=("symbols/kernel32.pdb", "symbols/kernel32.pdb/A1/kernel32.pdb"))
NOT_SEARCHED = SymbolState("not searched")

SOURCE = SourceContext(
    path="src/customer.h",
    first_line=40,
    lines=("inline void", "Customer::add() {", "    this->orders = 1;", "}"),
    line=42,
    verified=True,
)

FRAMES = (
    Frame(
        index=0,
        instruction=APP_BASE + 0x1010,
        lookup=APP_BASE + 0x1010,
        trust="context",
        stack_pointer=0xA0_FF00,
        module="shop.exe",
        module_offset=0x1010,
        function="total(Order*)",
        function_offset=0x10,
        file="C:\\shop\\src\\order.cpp",
        line=44,
        inlines=(InlineFrame("Customer::add", "C:\\shop\\src\\customer.h", 42),),
        missing_symbols=False,
        registers={
            "rip": APP_BASE + 0x1010,
            "rsp": 0xA0_FF00,
            "rbp": 0,
            "rax": 0,
            "rbx": 1,
            "rcx": 0xFFFF_FFFF_FFFF_FFFF,
            "rdx": 0,
        },
        source=SOURCE,
    ),
    Frame(
        index=1,
        instruction=APP_BASE + 0x1100,
        lookup=APP_BASE + 0x10FF,
        trust="cfi",
        stack_pointer=0xA0_FF40,
        module="shop.exe",
        module_offset=0x10FF,
        function="main",
        function_offset=0x1F,
        file="C:\\shop\\src\\main.cpp",
        line=9,
        missing_symbols=False,
    ),
    Frame(
        index=2,
        instruction=KERNEL_BASE + 0x7035,
        lookup=KERNEL_BASE + 0x7034,
        trust="scan",
        stack_pointer=0xA0_FFA0,
        module="kernel32.dll",
        module_offset=0x7034,
    ),
    Frame(
        index=3,
        instruction=0x1234,
        lookup=0x1233,
        trust="scan",
        unloaded_modules=(("plugin.dll", 0x33),),
    ),
)

REPORT = Report(
    dump=DumpFacts(
        kind="minidump",
        path="crashes/shop.dmp",
        size=24_680,
        time=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        writer="MiniDumpWriteDump",
        memory_bytes=12_345,
        comments=("nightly build",),
    ),
    os="windows",
    os_name="Windows NT",
    os_version="10.0.19045",
    os_product="Windows 10 22H2",
    cpu="amd64",
    pointer_size=8,
    cpu_info="family 6 model 60 stepping 3",
    cpu_count=8,
    pid=4242,
    uptime=timedelta(seconds=75.5),
    crash=Crash(
        reason="EXCEPTION_ACCESS_VIOLATION_WRITE",
        title="write to a null pointer (address 0x18)",
        code=0xC0000005,
        code_name="STATUS_ACCESS_VIOLATION",
        address=0x18,
        access="write",
        parameters=(1, 0x18),
        details=("the page at address 0 is never mapped",),
        instruction="mov dword ptr [rax + 0x18], 1",
        explanation="null + 0x18 through rax",
        memory_accesses=(MemoryAccess(0x18, 4, "write", "rax + 0x18"),),
    ),
    crashing_thread=0,
    threads=(
        ThreadReport(
            index=0,
            tid=1001,
            name="main",
            frames=FRAMES,
            stop="the stack's memory ends",
            last_error=2,
            last_error_name="ERROR_FILE_NOT_FOUND",
        ),
        ThreadReport(
            index=1,
            tid=1002,
            name=None,
            frames=(
                Frame(0, KERNEL_BASE + 0x10, KERNEL_BASE + 0x10, "context", module="kernel32.dll", module_offset=16),
            ),
            stop="no caller found",
        ),
    ),
    modules=(
        ModuleReport(
            base=APP_BASE,
            size=0x6000,
            name="shop.exe",
            path="C:\\shop\\shop.exe",
            version="1.2.3.4",
            code_id="5F5E10006000",
            debug_id="0123456789ABCDEF0123456789ABCDEF1",
            debug_file="shop.pdb",
            symbols=FOUND,
            image=FOUND,
            timestamp=0x5F5E1000,
        ),
        ModuleReport(
            base=KERNEL_BASE,
            size=0xC0000,
            name="kernel32.dll",
            path="C:\\Windows\\System32\\kernel32.dll",
            version="10.0.19041.1",
            code_id="12345678c0000",
            debug_id="FEDCBA9876543210FEDCBA98765432102",
            debug_file="kernel32.pdb",
            symbols=MISSING,
            image=NOT_SEARCHED,
        ),
    ),
    main_module=0,
    unloaded_modules=(
        ModuleReport(
            0x1200, 0x100, "plugin.dll", "plugin.dll", None, "12340000100", None, None, NOT_SEARCHED, NOT_SEARCHED
        ),
    ),
    blame=Blame(
        thread_index=0,
        frame_index=0,
        function="Customer::add",
        module="shop.exe",
        file="C:\\shop\\src\\customer.h",
        line=42,
        why="the innermost frame that is not part of the system",
    ),
    signature="Customer::add",
    failure_bucket_id="NULL_POINTER_WRITE_c0000005_shop.exe!Customer::add",
    failure_id_hash="ceed7a1b-a47b-c452-63c1-012e444d5204",
    findings=(
        Finding(
            kind="null-dereference",
            category="pointer misuse",
            title="a field of a null object was written",
            confidence="certain",
            evidence=("rax is 0", "the address is rax + 0x18"),
            against=(),
            advice="find out why order->customer is null",
        ),
    ),
    annotations={"channel": "nightly"},
    issues=(Issue("ThreadInfoListStream", "expected 64 bytes an entry; found 12", 0x1C40),),
)

EMPTY = Report(
    dump=DumpFacts(kind="minidump", path=None, size=None, time=None, writer=None, memory_bytes=0),
    os="unknown",
    os_name="0x0",
    os_version=None,
    cpu="unknown",
    pointer_size=8,
    cpu_info=None,
    cpu_count=None,
    pid=None,
    uptime=None,
    crash=Crash(reason="", title="no exception is recorded"),
    crashing_thread=None,
    threads=(),
    modules=(),
    main_module=None,
)

NASTY = "x\x1b[31m\x07\u202egnp\u2066<script>alert(1)</script>```|`@everyone\r\n\x00\udc80\u0085"


def recursion(depth: int = 900) -> Report:
    """A stack overflow: `walk` and `visit` call each other."""
    pair = (("walk", 0x10, 10), ("visit", 0x30, 20))
    frames = [
        Frame(
            i,
            APP_BASE + 0x1000 + pair[i % 2][1],
            APP_BASE + 0x1000 + pair[i % 2][1],
            "context" if i == 0 else "cfi",
            module="shop.exe",
            module_offset=0x1000 + pair[i % 2][1],
            function=pair[i % 2][0],
            function_offset=4,
            file="C:\\shop\\src\\tree.cpp",
            line=pair[i % 2][2],
            missing_symbols=False,
        )
        for i in range(depth)
    ]
    frames.append(replace(FRAMES[1], index=depth))
    thread = replace(REPORT.threads[0], frames=tuple(frames), stop="main returned to nobody")
    crash = replace(REPORT.crash, reason="EXCEPTION_STACK_OVERFLOW", title="stack overflow", code=0xC00000FD)
    blame = Blame(0, 0, "walk", "shop.exe", "C:\\shop\\src\\tree.cpp", 10, "the innermost frame")
    return replace(REPORT, threads=(thread, REPORT.threads[1]), crash=crash, blame=blame)


def hostile() -> Report:
    """Every text that a file can choose is an attack on the terminal or the page."""
    frame = replace(
        FRAMES[0],
        module=NASTY,
        function=NASTY,
        file=NASTY,
        inlines=(InlineFrame(NASTY, NASTY, 1),),
        source=replace(SOURCE, path=NASTY, lines=(NASTY,), first_line=42),
        unloaded_modules=((NASTY, 1),),
    )
    state = SymbolState("mismatched", path=NASTY, note=NASTY, tried=(NASTY,), format=NASTY)
    module = replace(
        REPORT.modules[0], name=NASTY, path=NASTY, version=NASTY, debug_file=NASTY, symbols=state, image=state
    )
    thread = replace(REPORT.threads[0], name=NASTY, frames=(frame,), stop=NASTY, last_error_name=NASTY)
    crash = replace(
        REPORT.crash, reason=NASTY, title=NASTY, details=(NASTY,), instruction=NASTY, explanation=NASTY, assertion=NASTY
    )
    finding = Finding(NASTY, NASTY, NASTY, NASTY, (NASTY,), (NASTY,), NASTY)
    return replace(
        REPORT,
        dump=replace(REPORT.dump, path=NASTY, writer=NASTY, comments=(NASTY,)),
        os_version=NASTY,
        os_product=NASTY,
        command_line=NASTY,
        cpu_info=NASTY,
        crash=crash,
        threads=(thread,),
        modules=(module,),
        unloaded_modules=(module,),
        blame=Blame(0, 0, NASTY, NASTY, NASTY, 1, NASTY),
        signature=NASTY,
        failure_bucket_id=NASTY,
        findings=(finding,),
        annotations={NASTY: NASTY},
        lsb_release={"description": NASTY},
        mac_crash_info=({"message": NASTY},),
        mac_boot_args=NASTY,
        soft_errors=NASTY,
        issues=(Issue(NASTY, NASTY, 1),),
    )
