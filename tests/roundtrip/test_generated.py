"""Snapshots made at random: what is written reads as it was."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_memory import Memory
from same import differences

from mdmp.dumpfile.load import load
from mdmp.dumpfile.save import save
from mdmp.snapshot import (
    Annotations,
    Attachment,
    Context,
    DebugId,
    ExceptionRecord,
    FunctionTable,
    Handle,
    LinkedLibrary,
    Linker,
    Module,
    Origin,
    Process,
    Region,
    Snapshot,
    System,
    Thread,
    UnloadedModule,
)

u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
name = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
maybe = st.none
seconds = st.integers(1, (1 << 32) - 1).map(lambda n: datetime.fromtimestamp(n, UTC))
ticks = st.integers(1, 1 << 50).map(lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n))
microseconds = st.integers(0, 1 << 50).map(lambda n: timedelta(microseconds=n))
whole = st.integers(0, (1 << 32) - 1).map(lambda n: timedelta(seconds=n))

AMD64 = ("rip", "rsp", "cs", "ss", "eflags", "rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi")
NARROW = {"cs": u16, "ss": u16, "ds": u16, "es": u16, "fs": u16, "gs": u16, "eflags": u32}
GROUPS = {
    "amd64": (*AMD64, *(f"r{n}" for n in range(8, 16))),
    "x86": ("eip", "esp", "ebp", "cs", "ss", "eflags", "eax", "ebx", "ecx", "edx", "esi", "edi"),
    "arm": (*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "cpsr"),
    "arm64": (*(f"x{n}" for n in range(31)), "sp", "pc", "cpsr"),
}


def vectors(cpu: str) -> st.SearchStrategy[dict[str, int]]:
    if cpu in ("amd64", "x86"):
        count = 16 if cpu == "amd64" else 8
        wide = {f"xmm{n}": st.integers(0, (1 << 128) - 1) for n in range(count)}
        return st.fixed_dictionaries(
            {**wide, **{f"st{n}": st.integers(0, (1 << 80) - 1) for n in range(8)}, "mxcsr": u32}
        )
    if cpu == "arm":
        return st.fixed_dictionaries({**{f"d{n}": u64 for n in range(32)}, "fpscr": u32})
    return st.fixed_dictionaries(
        {**{f"v{n}": st.integers(0, (1 << 128) - 1) for n in range(32)}, "fpcr": u32, "fpsr": u32}
    )


def contexts(cpu: str, windows: bool) -> st.SearchStrategy[Context]:
    word = u64 if cpu in ("amd64", "arm64") else u32
    narrow = NARROW if cpu == "amd64" else {}
    registers = st.fixed_dictionaries({reg: (u32 if reg == "cpsr" else narrow.get(reg, word)) for reg in GROUPS[cpu]})
    xstate = st.binary(min_size=64, max_size=300) if cpu in ("amd64", "x86") else st.none()
    return st.builds(Context, st.just(cpu), registers, st.just({}) | vectors(cpu), maybe() | xstate)


def debug_ids(os: str) -> st.SearchStrategy[DebugId]:
    guid = st.binary(min_size=16, max_size=16).filter(any)
    pdb = st.builds(DebugId, st.just("macho" if os == "macos" else "pdb70"), guid, u32, name)
    stamp = st.binary(min_size=4, max_size=4).filter(any)
    old = st.builds(DebugId, st.just("pdb20"), stamp, u32, name)
    build_id = st.builds(
        DebugId, st.just("elf"), st.binary(min_size=8, max_size=32).filter(any), st.just(0), st.just("")
    )
    return pdb | old | build_id


def versions() -> st.SearchStrategy[str]:
    return st.lists(u16, min_size=4, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    os, platform = draw(st.sampled_from([("windows", 2), ("linux", 0x8201), ("macos", 0x8101)]))
    cpu = draw(st.sampled_from(sorted(GROUPS)))
    windows = os == "windows"
    context = contexts(cpu, windows)
    pieces = draw(st.lists(st.tuples(st.integers(1, 60), st.binary(min_size=1, max_size=200)), max_size=6))
    memory = Memory({page * 0x10000: raw for page, raw in dict(pieces).items()})
    stack = st.sampled_from([*memory.ranges, (0x7000, 0x1000)]) if memory.ranges else st.just((0x7000, 0x1000))
    timed = draw(st.booleans())
    threads = []
    for tid in draw(st.lists(u32, unique=True, max_size=4)):
        start, size = draw(stack)
        thread = {
            "context": draw(maybe() | context),
            "name": draw(maybe() | text),
            "teb": draw(maybe() | st.integers(1 << 40, 1 << 50)),
            "suspend_count": draw(u32),
            "priority_class": draw(u32),
            "priority": draw(st.integers(-(1 << 31), (1 << 31) - 1)),
        }
        if timed:
            thread |= {
                "start_address": draw(u64),
                "create_time": draw(maybe() | ticks),
                "exit_time": draw(maybe() | ticks),
                "exit_status": draw(u32),
                "kernel_time": draw(microseconds),
                "user_time": draw(microseconds),
                "affinity": draw(u64),
            }
        threads.append(Thread(tid, stack_start=start, stack_size=size, **thread))
    module = st.builds(
        Module,
        u64,
        u32,
        text,
        u32 if windows else maybe() | st.integers(1, (1 << 32) - 1),
        u32 if windows else maybe() | st.integers(1, (1 << 32) - 1),
        st.just("1.2.3.4"),
        versions(),
        maybe() | debug_ids(os),
        st.just(os),
    )
    exception = st.builds(ExceptionRecord, u32, u32, u32, u64, st.lists(u64, max_size=15).map(tuple), context, u64)
    starts = sorted(draw(st.lists(st.integers(0, 1 << 40), unique=True, max_size=5)))
    regions = [
        Region(
            start * 0x1000,
            0x1000,
            draw(st.sampled_from(["commit", "reserve", "free"])),
            "rw-",
            draw(st.booleans()),
            draw(st.sampled_from(["private", "mapped", "image", None])),
            None,
            0x4,
            draw(u64),
            draw(u32),
        )
        for start in starts
    ]
    regions = [
        Region(
            r.start,
            r.size,
            r.state,
            r.protection,
            r.guard,
            r.kind,
            None,
            0x104 if r.guard else 4,
            *(r.allocation_base, r.allocation_protection),
        )
        for r in regions
    ]
    features = (
        st.lists(u32, min_size=3, max_size=3) if cpu in ("x86", "amd64") else st.lists(u64, min_size=2, max_size=2)
    )
    level, revision = draw(st.integers(1, 0xFFFF)), draw(u16)
    models = {"arm": f"ARMv{level}", "arm64": None}
    model = models.get(cpu, f"family {level} model {revision >> 8} stepping {revision & 0xFF}")
    system = System(
        os,
        cpu,
        ".".join(map(str, draw(st.tuples(u32, u32, u32)))),
        draw(maybe() | name),
        platform,
        draw(st.integers(0, 255)),
        draw(u16),
        draw(st.integers(0, 255)),
        level,
        revision,
        draw(st.sampled_from(["GenuineIntel", "AuthenticAMD"])) if cpu in ("x86", "amd64") else None,
        model,
        tuple(draw(features)),
    )
    process = Process(
        pid=draw(u32),
        create_time=draw(seconds),
        user_time=draw(whole),
        kernel_time=draw(whole),
        integrity_level=draw(maybe() | u32),
        execute_flags=draw(maybe() | u32),
        protected=draw(maybe() | st.booleans()),
        time_zone=draw(st.sampled_from([None, "UTC+01:00 (Middle Europe)", "UTC-03:30", "UTC+00:00"])),
        build=draw(maybe() | name),
        vm_counters=draw(st.sampled_from([{}, {"page_faults": 3, "peak_working_set": 9}])),
    )
    if process.vm_counters:
        every = (
            *("page_faults", "peak_working_set", "working_set", "paged_pool", "nonpaged_pool", "pagefile"),
            *("peak_pagefile", "private"),
        )
        process = Process(
            **{f: getattr(process, f) for f in Process.__slots__ if f != "vm_counters"},
            vm_counters={key: draw(u32) for key in every},
        )
    notes = st.dictionaries(name, text, max_size=3)
    annotations = Annotations(
        process=draw(notes),
        modules=draw(st.dictionaries(st.integers(0, 9), notes, max_size=2)),
        comments=tuple(draw(st.lists(name, max_size=2))),
        assertion=draw(st.sampled_from([None, "x > 0 in run, a.cpp:12", "pure virtual call", "a in b", "y, z:7"])),
        report_id=draw(st.sampled_from([None, "03020100-0504-0706-0809-0a0b0c0d0e0f"])),
        texts={
            key: draw(st.binary(max_size=30).filter(bool))
            for key in draw(st.sets(st.sampled_from(["cpuinfo", "status"])))
        },
        mac_boot_args=draw(maybe() | name),
        soft_errors=draw(maybe() | name),
    )
    library = st.builds(LinkedLibrary, u32, text, u32)
    linker = st.builds(
        Linker, u32, u32, u32, u32, st.binary(max_size=32), st.lists(library, min_size=1, max_size=3).map(tuple)
    )
    table = st.builds(lambda a, b, c, n: FunctionTable(a, b, c, bytes(12 * n), 12), u64, u64, u64, st.integers(0, 3))
    handle = st.builds(Handle, u64, maybe() | text, maybe() | name, u32, u32, u32, u32)
    unloaded = st.builds(UnloadedModule, u64, u32, text, u32, u32)
    raw = draw(st.lists(st.binary(min_size=1, max_size=50), max_size=2))
    return Snapshot(
        Origin("live", time=draw(maybe() | seconds), flags=draw(st.sampled_from([0, 2, 0x21826]))),
        system,
        process,
        tuple(threads),
        tuple(draw(st.lists(module, max_size=3))),
        draw(maybe() | st.lists(unloaded, max_size=2).map(tuple)),
        tuple(draw(st.lists(exception, max_size=2))),
        requesting_tid=draw(maybe() | u32),
        memory=memory,
        regions=draw(maybe() | st.just(tuple(regions))) if os != "linux" else None,
        handles=draw(maybe() | st.lists(handle, max_size=2).map(tuple)),
        function_tables=draw(maybe() | st.lists(table, max_size=2).map(tuple)),
        auxv=draw(
            maybe()
            | st.lists(st.tuples(st.integers(1, 60), st.integers(1, 0xFFFF0000)), min_size=2, max_size=4).map(tuple)
        ),
        linker=draw(maybe() | linker),
        annotations=annotations,
        attachments=tuple(
            Attachment(0x7000 + i, f"Stream {0x7000 + i:#x}", len(b), lambda b=b: b) for i, b in enumerate(raw)
        ),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(snapshots())
def test_any_snapshot(tmp_path_factory: pytest.TempPathFactory, snapshot: Snapshot) -> None:
    path = tmp_path_factory.mktemp("made") / "a.dmp"
    with mock.patch("os.fsync"):  # a disk's time is not what is tested
        saved = save(snapshot, path)
    found = load(path)
    assert differences(snapshot, found) == []
    assert found.issues == ()
    assert saved.lost == ()


@pytest.mark.parametrize("flags", [0, 2])
def test_the_same_in_a_narrow_and_a_wide_list(tmp_path: Path, flags: int) -> None:
    """With a Memory64List the stacks are in the MemoryList too, and point to the same bytes."""
    memory = Memory({0x10000: bytes(range(256)) * 64, 0x40000: b"stack" * 1000, 0x90000: bytes(20000)})
    threads = (Thread(1, stack_start=0x40010, stack_size=0x800), Thread(2, stack_start=0x40400, stack_size=0x900))
    snapshot = Snapshot(Origin("live"), System("windows", "amd64"), threads=threads, memory=memory)
    save(snapshot, tmp_path / "a.dmp", flags=flags)
    found = load(tmp_path / "a.dmp")
    assert found.memory.ranges == memory.ranges
    assert [(t.stack_start, t.stack_size) for t in found.threads or ()] == [(0x40010, 0x800), (0x40400, 0x900)]
    assert found.memory.read(0x40010, 0x800) == memory.read(0x40010, 0x800)
