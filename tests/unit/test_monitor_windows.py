"""What of the debug loop of Windows is pure: events, faults, filters, and rules about what never comes."""

import struct

import pytest

from mdmp.errors import FormatError, UsageError
from mdmp.monitor.fault import KINDS
from mdmp.monitor.run import StartError
from mdmp.monitor.windows import faults
from mdmp.monitor.windows.events import Event, Loaded, Printed, ProcessEnded, Raised, parse_event
from mdmp.monitor.windows.first_chance import Filters
from mdmp.monitor.windows.overflow import WAIT, Overflows
from mdmp.monitor.windows.start import command_line, find_program
from mdmp.monitor.windows.uncaught import Thrown
from mdmp.snapshot import ExceptionRecord
from mdmp.snapshot.thrown import ThrownObject

AV, OVERFLOW, FAST_FAIL, GCC, CPP = 0xC0000005, 0xC00000FD, 0xC0000409, 0x20474343, 0xE06D7363
CONFIG_ERROR = ThrownObject(("app::config_error", "std::exception"), "a line without '='")


def record(code: int, *parameters: int, tid: int = 7, address: int = 0x140001000) -> ExceptionRecord:
    return ExceptionRecord(tid, code, 0, address, parameters)


def test_an_exception_event_of_either_width() -> None:
    wide = struct.pack("<IIIxxxx", 1, 10, 20) + struct.pack("<IIQQI4x15Q", AV, 1, 0x30, 0x40, 2, 1, 0x18, *[0] * 13)
    narrow = struct.pack("<III", 1, 10, 20) + struct.pack("<IIIII15I", AV, 1, 0x30, 0x40, 2, 1, 0x18, *[0] * 13)
    wanted = Event(10, 20, Raised(AV, 1, 0x30, 0x40, (1, 0x18), True))
    assert parse_event((wide + struct.pack("<I", 1)).ljust(176, b"\0"), 8) == wanted
    assert parse_event((narrow + struct.pack("<I", 1)).ljust(176, b"\0"), 4) == wanted


def test_a_count_of_parameters_that_cannot_be() -> None:
    raw = struct.pack("<IIIxxxxIIQQI", 1, 10, 20, AV, 0, 0, 0, 0xFFFFFFFF).ljust(176, b"\1")
    what = parse_event(raw, 8).what
    assert isinstance(what, Raised)
    assert len(what.parameters) == 15


@pytest.mark.parametrize(
    ("code", "body", "wanted"),
    [
        (5, struct.pack("<I", 0xC0000005), ProcessEnded(0xC0000005)),
        (6, struct.pack("<QQ", 0x44, 0x7FF000), Loaded(0x44, 0x7FF000)),
        (8, struct.pack("<QHH", 0x5000, 1, 12), Printed(0x5000, True, 12)),
    ],
)
def test_other_events(code: int, body: bytes, wanted: object) -> None:
    assert parse_event((struct.pack("<IIIxxxx", code, 1, 2) + body).ljust(176, b"\0"), 8).what == wanted


def test_an_event_that_nobody_knows() -> None:
    with pytest.raises(FormatError, match="unknown event 10"):
        parse_event(struct.pack("<III", 10, 1, 2).ljust(176, b"\0"), 8)


@pytest.mark.parametrize(
    ("exception", "kind", "text"),
    [
        (record(AV, 0, 0x24), "access_violation", "access violation (C0000005): read of 0x24 at a.exe+0x10"),
        (record(AV, 8, 0), "access_violation", "execution of 0x0"),
        (record(0xC0000006, 0, 0x5000, 0xC000009C), "access_violation", "failed with STATUS_DEVICE_DATA_ERROR"),
        (record(0x80000001, 1, 0x5000), "access_violation", "guard page (80000001): write of 0x5000 at a.exe+0x10"),
        (record(OVERFLOW, 1, 0x5000), "stack_overflow", "stack overflow (C00000FD)"),
        (record(FAST_FAIL, 2), "buffer_overrun", "FAST_FAIL_STACK_COOKIE_CHECK_FAILURE"),
        (record(FAST_FAIL, 7), "abort", "FAST_FAIL_FATAL_APP_EXIT"),
        (record(FAST_FAIL, 3), "other_exception", "FAST_FAIL_CORRUPT_LIST_ENTRY"),
        (record(FAST_FAIL, 5000), "other_exception", "C0000409"),
        (record(0xC0000374, 0x7000), "heap_corruption", "heap corruption"),
        (record(0xC0000094), "arithmetic", "integer division by zero"),
        (record(0xC000008E), "arithmetic", "floating-point division by zero"),
        (record(0xC000001D), "illegal_instruction", "illegal instruction"),
        (record(0xC0000096), "illegal_instruction", "privileged instruction"),
        (record(0x80000003), "breakpoint", "breakpoint"),
        (record(0x4000001F), "breakpoint", "BREAKPOINT"),
        (record(0xE0434352, 0x80131509), "clr_exception", "System.InvalidOperationException (0x80131509)"),
        (record(0x0EEDFADE), "other_exception", "Delphi exception"),
        (record(0xC000027B), "other_exception", "Windows Runtime"),
        (record(0xE0424242), "other_exception", "an exception of the program's own (E0424242)"),
    ],
)
def test_kinds_and_words(exception: ExceptionRecord, kind: str, text: str) -> None:
    assert faults.kind_of(exception) == kind
    assert kind in KINDS
    found = faults.text_of(exception, None, "a.exe+0x10")
    assert text in found
    assert found.endswith(" at a.exe+0x10 in thread 7")


def test_a_cpp_exception_says_what_it_is() -> None:
    assert "app::config_error: a line without '='" in faults.text_of(record(CPP), CONFIG_ERROR)
    assert faults.message_of(CONFIG_ERROR) == "app::config_error: a line without '='"
    assert faults.message_of(ThrownObject(())) is None


def test_what_ntdll_announces_before_it_stops_at_a_breakpoint() -> None:
    said = ("HEAP[app.exe]:", "Invalid address specified to RtlFreeHeap", "Critical error detected c0000374", "bye")
    assert faults.announced_kind(said) == "heap_corruption"
    assert faults.announced_kind((*said, *["later"] * 20)) is None
    assert faults.announced_kind(()) is None


def test_the_address_is_what_was_accessed() -> None:
    assert faults.address_of(record(AV, 1, 0x18)) == 0x18
    assert faults.address_of(record(0xC0000094)) == 0x140001000


@pytest.mark.parametrize(
    ("text", "exception", "thrown"),
    [
        ("C0000005", record(AV), None),
        ("0xc0000005", record(AV), None),
        ("3221225477", record(AV), None),
        ("access_violation", record(AV), None),
        ("EXCEPTION_ACCESS_VIOLATION", record(AV), None),
        ("STATUS_INTEGER_*", record(0xC0000094), None),
        ("int_*", record(0xC0000094), None),
        ("fast_fail_fatal_app_exit", record(FAST_FAIL, 7), None),
        ("C++", record(CPP), CONFIG_ERROR),
        ("c++", record(GCC), None),
        ("App::Config_Error", record(CPP), CONFIG_ERROR),
        ("std::exception", record(CPP), CONFIG_ERROR),
        ("*without '='", record(CPP), CONFIG_ERROR),
        ("CLR", record(0xE0434352, 0x80131509), None),
        ("System.Invalid*", record(0xE0434352, 0x80131509), None),
        ("80131509", record(0xE0434352, 0x80131509), None),
        ("*", record(0xE0424242), None),
    ],
)
def test_filters(text: str, exception: ExceptionRecord, thrown: ThrownObject | None) -> None:
    assert Filters((text,)).match(exception, thrown)
    assert not Filters(("something else", "[a-z]*")).match(exception, thrown)


@pytest.mark.parametrize("code", [0x406D1388, 0x40010006, 0x4001000A, 0x40010005])
def test_what_is_told_to_debuggers_passes_no_filter(code: int) -> None:
    assert not Filters(("*",)).match(record(code), None)
    assert not Filters(())


BOTTOM = 0x21000


def test_a_fault_for_lack_of_stack_makes_the_overflow_a_crash() -> None:
    overflows = Overflows()
    first = record(OVERFLOW, 1, BOTTOM + 0xF78)
    overflows.begin(first, BOTTOM + 0xF50, 100.0)
    assert overflows.last == first
    assert overflows.fatal(record(AV, 1, BOTTOM - 8, tid=8), BOTTOM) is None  # another thread
    assert overflows.fatal(record(AV, 1, BOTTOM - 8), BOTTOM) == first
    assert overflows.fatal(record(AV, 1, BOTTOM - 8), BOTTOM) is None  # once


def test_a_fault_elsewhere_is_not_about_the_stack() -> None:
    overflows = Overflows()
    overflows.begin(record(OVERFLOW), BOTTOM, 100.0)
    assert overflows.fatal(record(AV, 0, 0x24), BOTTOM) is None
    assert overflows.last is not None


def test_an_overflow_that_was_handled() -> None:
    overflows = Overflows()
    overflows.begin(record(OVERFLOW), BOTTOM, 100.0)
    assert overflows.fatal(record(AV, 0, 0x24), BOTTOM + 0x8000) is None
    assert overflows.last is None


def test_an_overflow_of_which_nothing_is_heard() -> None:
    overflows = Overflows()
    overflows.begin(record(OVERFLOW), BOTTOM, 100.0)
    overflows.begin(record(AV, tid=8), BOTTOM, 100.0)
    assert overflows.overdue(100.0 + WAIT / 2) == ()
    (late,) = overflows.overdue(100.0 + WAIT * 2)
    assert late.record.tid == 7
    overflows.forget(7)
    assert overflows.overdue(1000.0) == ()


class Heap:
    """The header of one exception, as libstdc++ has it."""

    ranges = ((0x10000, 0x1000),)

    def __init__(self, owner: bytes = b"GNUCC++\0") -> None:
        self.owner, self.count, self.handler = owner[::-1], 0, 0

    def read_some(self, address: int, size: int) -> bytes:
        return self.owner if (address, size) == (HEADER, 8) else b""

    def read(self, address: int, size: int) -> bytes:
        return self.read_some(address, size)

    def word(self, address: int, size: int) -> int | None:
        return {HEADER - 40: self.count, HEADER - 16: self.handler}.get(address)


HEADER = 0x10100
THROW = record(GCC, HEADER)


def test_an_exception_that_nobody_wants() -> None:
    heap = Heap()
    thrown = Thrown(heap)
    thrown.throw(THROW)
    assert thrown.uncaught(7) is None  # it is on its way
    heap.count = 1
    assert thrown.uncaught(7) == THROW
    assert thrown.uncaught(8) is None


def test_an_exception_that_std_terminate_throws_again_to_look_at_it() -> None:
    heap = Heap()
    thrown = Thrown(heap)
    thrown.throw(THROW)
    heap.count = 0xFFFFFFFF
    thrown.throw(record(GCC, HEADER, address=0x140002000))
    heap.count, heap.handler = 1, 0x140003000
    assert thrown.uncaught(7) == THROW


@pytest.mark.parametrize("count", [0, 1])
def test_an_exception_that_is_caught(count: int) -> None:
    heap = Heap()
    thrown = Thrown(heap)
    thrown.throw(THROW)
    heap.count, heap.handler = count, 0x140003000
    assert thrown.uncaught(7) is None


def test_an_exception_that_is_caught_and_passed_on_in_vain() -> None:
    heap = Heap()
    thrown = Thrown(heap)
    thrown.throw(THROW)
    heap.count, heap.handler = 0xFFFFFFFF, 0x140003000
    again = record(GCC, HEADER, address=0x140002000)
    thrown.throw(again)
    heap.count = 1
    assert thrown.uncaught(7) == again


def test_memory_that_has_another_use_by_now() -> None:
    heap = Heap(b"RUST\0MOZ")
    heap.count = 1
    thrown = Thrown(heap)
    thrown.throw(THROW)
    assert thrown.uncaught(7) is None


def test_programs_are_found_as_windows_finds_them(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    bin_folder, here = tmp_path / "bin", tmp_path / "here"
    bin_folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    for path in (bin_folder / "tool.exe", bin_folder / "tool.cmd", here / "local.bat", here / "plain"):
        path.write_bytes(b"")
    variables = {"PATH": str(bin_folder), "PATHEXT": ".COM;.EXE;.BAT;.CMD"}
    assert find_program("tool", variables) == str(bin_folder / "tool.exe")
    assert find_program("tool.cmd", variables) == str(bin_folder / "tool.cmd")
    assert find_program("local", variables) == str(here / "local.bat")
    with pytest.raises(StartError, match="no such program") as caught:
        find_program("missing", variables)
    assert caught.value.status == 127
    with pytest.raises(StartError, match="does not end in"):
        find_program("plain", variables)


def test_command_lines() -> None:
    assert command_line("C:\\a b\\x.exe", ["1 2", 'say "hi"', ""], {}) == (
        "C:\\a b\\x.exe",
        '"C:\\a b\\x.exe" "1 2" "say \\"hi\\"" ""',
    )
    shell, line = command_line("C:\\x.cmd", ["1 & 2"], {"COMSPEC": "C:\\cmd.exe"})
    assert (shell, line) == ("C:\\cmd.exe", '"C:\\cmd.exe" /d /s /c ""C:\\x.cmd" "1 & 2""')
    with pytest.raises(UsageError, match="interpret"):
        command_line("C:\\x.cmd", ["%PATH%"], {})
