"""What signals and last words of run-time libraries mean: the parts that need no process."""

import signal
import struct

import pytest

from mdmp.formats.proc.maps import Mapping
from mdmp.snapshot import Context, ExceptionRecord

if not hasattr(signal, "SIGQUIT"):
    pytest.skip("these are signals of Linux", allow_module_level=True)

from mdmp.monitor.linux import dispositions, faults, first_chance, messages


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("free(): double free detected in tcache 2", "heap_corruption"),
        ("free(): invalid pointer", "heap_corruption"),
        ("malloc(): corrupted top size", "heap_corruption"),
        ("realloc(): invalid next size", "heap_corruption"),
        ("munmap_chunk(): invalid pointer", "heap_corruption"),
        ("malloc_consolidate(): unaligned fastbin chunk detected", "heap_corruption"),
        ("corrupted size vs. prev_size", "heap_corruption"),
        ("corrupted double-linked list", "heap_corruption"),
        ("double free or corruption (fasttop)", "heap_corruption"),
        ("*** Error in `./shop': free(): invalid next size (fast): 0x0000000001b05010 ***", "heap_corruption"),
        ("*** stack smashing detected ***: terminated", "buffer_overrun"),
        ("*** buffer overflow detected ***: ./shop terminated", "buffer_overrun"),
        ("*** %n in writable segment detected ***", "abort"),
        ("shop: shop.c:7: main: Assertion `free(): == 1' failed.", "abort"),
        ("shop: malloc.c:2379: sysmalloc: Assertion `(old_top == initial_top (av))' failed.", "heap_corruption"),
        ("The futex facility returned an unexpected error code.", "abort"),
    ],
)
def test_kinds_of_last_words(text: str, kind: str) -> None:
    assert messages.kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("shop: shop.c:7: main: Assertion `n == 1' failed.\n", "n == 1 in main, shop.c:7"),
        ('/a/b.cc:12: int f(int): Assertion `a::b(1) && "x"\' failed.', 'a::b(1) && "x" in int f(int), /a/b.cc:12'),
        ("shop: shop.c:7: Assertion `1' failed.", "1, shop.c:7"),
        ("free(): invalid pointer", None),
    ],
)
def test_assertions(text: str, assertion: str | None) -> None:
    assert messages.assertion_in(text.strip()) == assertion


STATUS = b"Name:\tshop\nSigPnd:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180000400\nSeccomp:\t0\n"


def test_what_is_deadly() -> None:
    assert not dispositions.is_deadly(STATUS, signal.SIGSEGV)  # it has a handler
    assert not dispositions.is_deadly(STATUS, signal.SIGPIPE)  # it is ignored
    assert dispositions.is_deadly(STATUS, signal.SIGABRT)
    assert dispositions.is_deadly(b"", signal.SIGABRT)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("11", True), ("0xb", True), ("segv", True), ("SIGSEGV", True), ("*EGV", True), ("SEG", False), ("*", True)],
)
def test_filters_of_signals(text: str, wanted: bool) -> None:
    assert dispositions.matches(11, ["USR1", text]) == wanted


def record(number: int, code: int, address: int, **registers: int) -> ExceptionRecord:
    return ExceptionRecord(7, number, code & 0xFFFFFFFF, address, context=Context("amd64", registers))


def test_addresses_and_senders() -> None:
    assert faults.address_of(record(signal.SIGSEGV, 1, 0x18)) == 0x18
    assert faults.address_of(record(signal.SIGSEGV, 0x80, 0)) is None
    assert faults.address_of(record(signal.SIGSEGV, 0, 0x3E8_0000_0007)) is None
    assert faults.address_of(record(signal.SIGABRT, 1, 0x18)) is None
    assert faults.describe(record(signal.SIGSEGV, 1, 0x18), 7) == "SIGSEGV at 0x18 in thread 7"
    assert faults.describe(record(signal.SIGQUIT, 0, 0x7FFF_FFFE), 7).startswith("SIGQUIT sent by process 2147483646")
    assert faults.describe(record(signal.SIGABRT, -6, 7), 7) == "SIGABRT in thread 7"


def test_an_overflow_is_below_the_stack() -> None:
    maps = [
        Mapping(0x1000, 0x2000, "rw-", False, 0, "00:00", 0, ""),
        Mapping(0x700000, 0x701000, "---", False, 0, "00:00", 0, ""),
        Mapping(0x701000, 0x800000, "rw-", False, 0, "00:00", 0, ""),
    ]
    process = faults.StoppedProcess(None, maps, None)  # type: ignore[arg-type]

    def kind(address: int, rsp: int, code: int = 2) -> str:
        return faults._kind(record(signal.SIGSEGV, code, address, rsp=rsp), process)[0]

    assert kind(0x700FF8, 0x701000) == "stack_overflow"
    assert kind(0x700800, 0x700700) == "stack_overflow"
    assert kind(0, 0x700F00, 0x80) == "stack_overflow"
    assert kind(0x700FF8, 0x7F0000) == "access_violation"
    assert kind(0, 0x7F0000) == "access_violation"
    assert kind(0x18, 0x701100) == "access_violation"


def test_a_handler_runs_as_long_as_its_frame_is_on_the_stack() -> None:
    class Memory:
        def read_some(self, address: int, size: int) -> bytes:
            assert address == 0x8000
            return bytes(100) + struct.pack("<2Q", 0x9000, 0x1234) + bytes(100)

    first = record(signal.SIGSEGV, 1, 0, rsp=0x9000, rip=0x1234)
    memory = Memory()
    inside = Context("amd64", {"rsp": 0x8000, "rip": 0x5678})
    assert first_chance.is_handled_now(first, inside, memory)  # type: ignore[arg-type]
    other = record(signal.SIGSEGV, 1, 0, rsp=0x9000, rip=0x1235)
    assert not first_chance.is_handled_now(other, inside, memory)  # type: ignore[arg-type]
    assert first_chance.is_handled_now(first, first.context, memory)  # type: ignore[arg-type]
