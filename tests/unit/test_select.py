"""Which memory each dump type keeps, and what a budget costs."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_snapshots import Memory

from mdmp.binary.ranges import intersect, merge, subtract
from mdmp.snapshot import (
    Annotations,
    Context,
    ExceptionRecord,
    Module,
    Origin,
    Process,
    Region,
    Snapshot,
    System,
    Thread,
)
from mdmp.snapshot import dump_type as bits
from mdmp.snapshot.dump_type import DUMP_TYPES
from mdmp.snapshot.redact import SCRUBBED, redact
from mdmp.snapshot.secrets import AT_RANDOM
from mdmp.snapshot.select import CODE, select

APP, HEAP, SHARED, LOG, STACK1, STACK2 = 0x400000, 0x1000000, 0x2000000, 0x3000000, 0x7F0000, 0x7FFF00000
POINTED = HEAP + 0x5000
LEFT = 0x7000_0000_0000


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


def process() -> Snapshot:
    """Two threads; code, data, heap, shared memory, a mapped file; arguments at the top of the first stack."""
    stack2 = bytes(0x1800) + words(POINTED, 5, APP + 0x10) + bytes(0x800 - 24)
    pieces = {
        APP: b"\x7fELF" + bytes(0x1FFC),
        APP + 0x2000: b"d" * 0x1000,
        HEAP: b"h" * 0x40000,
        SHARED: b"s" * 0x10000,
        LOG: b"l" * 0x10000,
        STACK1: bytes(0x10000),
        STACK2: stack2 + b"secret" * 100,
    }
    regions = (
        Region(APP, 0x2000, "commit", "r-x", kind="mapped", name="/bin/app"),
        Region(APP + 0x2000, 0x1000, "commit", "rw-", kind="mapped", name="/bin/app"),
        Region(HEAP, 0x40000, "commit", "rw-", kind="private", name="[heap]"),
        Region(SHARED, 0x10000, "commit", "rw-", kind="mapped", name="/dev/shm/x"),
        Region(LOG, 0x10000, "commit", "r--", kind="mapped", name="/var/log/x"),
        Region(STACK1, 0x10000, "commit", "rw-", kind="private"),
        Region(STACK2, len(pieces[STACK2]), "commit", "rw-", kind="private", name="[stack]"),
    )
    one = Context("amd64", {"rip": APP + 0x1000, "rsp": STACK1 + 0x8000})
    two = Context("amd64", {"rip": APP + 0x1800, "rsp": STACK2 + 0x1800})
    return Snapshot(
        Origin("live"),
        System("linux", "amd64"),
        Process(1, command_line="app --password x"),
        threads=(Thread(1, one), Thread(2, two)),
        modules=(Module(APP, 0x3000, "/bin/app", os="linux"),),
        exceptions=(ExceptionRecord(2, 11, 1, 0, (), two),),
        memory=Memory(pieces),
        regions=regions,
        auxv=((AT_RANDOM, STACK2 + 0x2000 - 16),),
        annotations=Annotations(texts={"cmdline": b"app", "environ": b"X=1", "maps": b"/home/me"}),
    )


def kept(snapshot: Snapshot, kind: str, **options: int) -> set[int]:
    """The starts of the regions of which something is kept."""
    found = select(snapshot, DUMP_TYPES[kind], **options)
    assert found.ranges == merge(found.ranges)
    assert intersect(found.ranges, merge(snapshot.memory.ranges)) == found.ranges, "nothing that is not there"
    return {
        region.start for region in snapshot.regions or () if intersect(found.ranges, ((region.start, region.size),))
    }


def test_each_type() -> None:
    snapshot = process()
    stacks = {APP, STACK1, STACK2}
    assert kept(snapshot, "mini") == stacks
    assert kept(snapshot, "triage") == stacks
    assert kept(snapshot, "indirect") == stacks | {HEAP}
    assert kept(snapshot, "heap") == kept(snapshot, "private") == stacks | {HEAP, APP + 0x2000}, (
        "nothing shared, no file"
    )
    assert kept(snapshot, "full") == {region.start for region in snapshot.regions or ()}


def test_mini_has_stacks_from_their_pointers_on_and_code() -> None:
    found = select(process(), 0)
    assert (STACK1 + 0x8000 - 128, 0x8000 + 128) in found.ranges
    assert (STACK2 + 0x1800 - 128, 0x800 + 128) in found.ranges, "up to the arguments"
    assert (APP + 0x1000 - CODE, 2 * CODE) in found.ranges
    assert found.flags == bits.FULL_MEMORY_INFO
    assert found.notes == ()


def test_indirect_follows_pointers_within_its_budget() -> None:
    snapshot = process()
    spans = intersect(select(snapshot, DUMP_TYPES["indirect"]).ranges, ((HEAP, 0x40000),))
    assert sum(size for _, size in spans) <= 1024
    assert spans[0][0] <= POINTED < sum(spans[0])
    small = select(snapshot, DUMP_TYPES["indirect"], indirect_budget=100)
    assert not intersect(small.ranges, ((HEAP, 0x40000),))
    assert "100 bytes" in small.notes[0]


def test_arguments_and_environment_are_for_those_who_ask() -> None:
    snapshot = process()
    secret = ((STACK2 + 0x2000, 600),)
    for kind in ("mini", "triage", "indirect", "heap"):
        assert not intersect(select(snapshot, DUMP_TYPES[kind]).ranges, secret)
        bare = redact(snapshot, DUMP_TYPES[kind])
        assert bare.process.command_line is None
        assert not {"cmdline", "environ"} & set(bare.annotations.texts)
    for flags in (DUMP_TYPES["full"], bits.PROCESS_THREAD_DATA):
        assert intersect(select(snapshot, flags).ranges, secret) == secret
        assert redact(snapshot, flags).process.command_line == "app --password x"


def test_triage_has_no_folders() -> None:
    bare = redact(process(), DUMP_TYPES["triage"])
    assert [module.path for module in bare.modules or ()] == ["app"]
    assert "maps" not in bare.annotations.texts
    assert not [region.name for region in bare.regions or () if "/" in (region.name or "")]


def test_custom_bits() -> None:
    snapshot = process()
    assert (APP, 0x2000) in select(snapshot, bits.CODE_SEGS).ranges
    assert (APP + 0x2000, 0x1000) in select(snapshot, bits.DATA_SEGS).ranges
    assert select(snapshot, bits.MODULE_HEADERS).ranges[0][0] == APP
    assert not intersect(select(snapshot, bits.DATA_SEGS).ranges, ((SHARED, 0x10000),))


@pytest.mark.parametrize("kind", ["mini", "heap", "full"])
@pytest.mark.parametrize("budget", [0, 3000, 20000, 100000, 1 << 30])
def test_a_budget_costs_other_stacks_and_then_the_largest_pieces(kind: str, budget: int) -> None:
    snapshot = process()
    whole, found = select(snapshot, DUMP_TYPES[kind]), select(snapshot, DUMP_TYPES[kind], budget=budget)
    crashed = ((STACK2 + 0x1800 - 128, 0x800 + 128),)
    assert intersect(found.ranges, crashed) == crashed
    assert intersect(found.ranges, whole.ranges) == found.ranges
    if whole.size <= budget:
        assert found == whole
        return
    assert found.size <= max(budget, 0x1000 * 3), "but what is always kept"
    assert f"budget of {budget} bytes" in found.notes[-1]
    assert f"{whole.size - found.size} bytes" in found.notes[-1]
    first = intersect(found.ranges, ((STACK1 + 0x8000 - 128, 16),))
    assert first, "the top of each stack is kept"


def test_what_was_left_out_is_a_comment() -> None:
    found = select(process(), 0, budget=5000)
    assert redact(process(), 0, found.notes).annotations.comments[-1].startswith("mdmp: kept to a budget of 5000")


def test_a_stack_that_overflowed_is_found_above_its_pointer() -> None:
    snapshot = process()
    below = Context("amd64", {"rip": APP + 0x1000, "rsp": STACK1 - 0x100})
    snapshot = replace(snapshot, threads=(Thread(1, below),), exceptions=())
    assert (STACK1, 0x10000) in select(snapshot, 0).ranges


def test_the_stack_that_a_fault_left_is_kept_whole() -> None:
    snapshot = process()
    thread = (snapshot.threads or ())[0]
    assert thread.context is not None
    memory = {start: snapshot.memory.read(start, size) for start, size in snapshot.memory.ranges}
    context = Context("amd64", {**thread.context.registers, "rsp": LEFT + 64})
    left = ExceptionRecord(thread.tid, 11, 1, 0, context=context)
    snapshot = replace(snapshot, exceptions=(left,), memory=Memory({**memory, LEFT: bytes(1 << 17)}))
    assert (LEFT, 1 << 17) in select(snapshot, 0, budget=1).ranges
    assert (LEFT, 1 << 15) in select(snapshot, DUMP_TYPES["triage"]).ranges


def test_without_a_memory_map_all_that_is_no_image_is_private() -> None:
    snapshot = replace(process(), regions=None, auxv=None)
    found = select(snapshot, DUMP_TYPES["heap"]).ranges
    assert intersect(found, ((HEAP, 0x40000),)) == ((HEAP, 0x40000),)
    assert not intersect(found, ((APP + 0x2000, 0x1000),))


def test_an_empty_snapshot_has_nothing_to_keep() -> None:
    snapshot = Snapshot(Origin("live"), System("unknown", "unknown"))
    for flags in DUMP_TYPES.values():
        assert select(snapshot, flags, budget=10).ranges == ()


def test_windows_environment_and_command_line() -> None:
    teb, peb, parameters = 0x10000, 0x20000, 0x30000
    memory = {
        teb: bytes(0x60) + words(peb) + bytes(0x1000),
        peb: bytes(0x20) + words(parameters) + bytes(0x100),
        parameters: (bytes(0x70) + words(12, 0x50000, 0x60000)).ljust(0x3F0, b"\0") + words(0x800),
        0x50000: b"a p p   - x ",
        0x60000: b"S=1" * 1000,
    }
    snapshot = Snapshot(
        Origin("live"), System("windows", "amd64"), threads=(Thread(1, teb=teb),), memory=Memory(memory)
    )
    secret = ((0x50000, 12), (0x60000, 0x800))
    assert intersect(select(snapshot, bits.PROCESS_THREAD_DATA).ranges, secret) == secret
    assert intersect(select(snapshot, DUMP_TYPES["heap"]).ranges, secret) == ()
    assert (0x60800, 3000 - 0x800) in select(snapshot, DUMP_TYPES["heap"]).ranges


def test_scrubbed_stacks_keep_what_unwinding_needs() -> None:
    snapshot = process()
    memory = redact(snapshot, bits.FILTER_MEMORY).memory
    at = STACK2 + 0x1800
    assert memory.word(at, 8) == SCRUBBED, "a pointer to the heap"
    assert memory.word(at + 8, 8) == 5
    assert memory.word(at + 16, 8) == APP + 0x10
    assert memory.read(HEAP, 16) == b"h" * 16
    assert memory.read(at - 8, 24) == memory.read(at - 8, 8) + memory.read(at, 16)
    assert memory.ranges == snapshot.memory.ranges


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=8)


def members(ranges: object) -> set[int]:
    return {number for start, size in ranges for number in range(start, start + size)}  # type: ignore[attr-defined]


@given(spans, spans)
def test_ranges_are_sets_of_numbers(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    a, b = merge(first), merge(second)
    assert members(a) == members(first)
    assert members(intersect(a, b)) == members(a) & members(b)
    assert members(subtract(a, b)) == members(a) - members(b)
    for found in (a, intersect(a, b), subtract(a, b)):
        assert all(x[0] + x[1] <= y[0] for x, y in pairwise(found))


def test_one_range_is_looked_up_among_many() -> None:
    """As is done for the stack of each thread: not by going through all of them."""

    class Counted(list[tuple[int, int]]):
        asked = 0

        def __getitem__(self, index: Any) -> Any:
            self.asked += 1
            return super().__getitem__(index)

    many = Counted((16 * number, 8) for number in range(1 << 16))
    assert intersect(((16 * 50_000 + 4, 16),), many) == ((16 * 50_000 + 4, 4), (16 * 50_001, 4))
    assert many.asked < 100
