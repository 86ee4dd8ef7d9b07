"""The tables of OS facts: values copied by hand from Microsoft's, the kernel's and Apple's documents."""

import signal

import pytest

from mdmp.platforms import mach, signals
from mdmp.platforms.codes import entries
from mdmp.platforms.fastfail import fast_fail
from mdmp.platforms.memory_protection import permissions
from mdmp.platforms.ntstatus import nt_status_name
from mdmp.platforms.win32_errors import hresult_name, last_error_name, win32_error_name
from mdmp.platforms.windows_versions import windows_name


@pytest.mark.parametrize("table", ["ntstatus", "win32", "hresult"])
def test_tables_are_sorted_and_without_repeats(table: str) -> None:
    codes = [code for code, _ in entries(table)]
    assert codes == sorted(set(codes))
    assert len(codes) > 2500
    assert all(name.isidentifier() for _, name in entries(table))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0xC0000005, "STATUS_ACCESS_VIOLATION"),
        (0xC000007B, "STATUS_INVALID_IMAGE_FORMAT"),
        (0xC0000374, "STATUS_HEAP_CORRUPTION"),
        (0xC0000409, "STATUS_STACK_BUFFER_OVERRUN"),
        (0xC000027B, "STATUS_STOWED_EXCEPTION"),
        (0x80000003, "STATUS_BREAKPOINT"),
        (0x40010006, "DBG_PRINTEXCEPTION_C"),
        (0, "STATUS_SUCCESS"),
        (0xC0FFEE00, None),
    ],
)
def test_nt_status(code: int, name: str | None) -> None:
    assert nt_status_name(code) == name


def test_win32_errors_and_hresults() -> None:
    assert win32_error_name(5) == "ERROR_ACCESS_DENIED"
    assert win32_error_name(1722) == "RPC_S_SERVER_UNAVAILABLE"
    assert win32_error_name(0x7FFFFFFF) is None
    assert hresult_name(0x80004005) == "E_FAIL"
    assert hresult_name(-2147467259) == "E_FAIL"
    assert hresult_name(0x80131509) == "COR_E_INVALIDOPERATION"
    assert hresult_name(0x8007007E) == "HRESULT_FROM_WIN32(ERROR_MOD_NOT_FOUND)"
    assert hresult_name(0xD0000022) == "HRESULT_FROM_NT(STATUS_ACCESS_DENIED)"
    assert hresult_name(0x8BADF00D) is None
    assert last_error_name(2) == "ERROR_FILE_NOT_FOUND"
    assert last_error_name(0xC0000034) == "STATUS_OBJECT_NAME_NOT_FOUND"


def test_fast_fail_codes() -> None:
    # winnt.h: numbers with gaps, so that a shifted table would show
    for code, name in [
        (0, "LEGACY_GS_VIOLATION"),
        (2, "STACK_COOKIE_CHECK_FAILURE"),
        (3, "CORRUPT_LIST_ENTRY"),
        (7, "FATAL_APP_EXIT"),
        (10, "GUARD_ICALL_CHECK_FAILURE"),
        (18, "INVALID_JUMP_BUFFER"),
        (29, "INVALID_BALANCED_TREE"),
        (39, "INVALID_DISPATCH_CONTEXT"),
        (50, "HEAP_METADATA_CORRUPTION"),
        (57, "CONTROL_INVALID_RETURN_ADDRESS"),
        (65, "CAST_GUARD"),
    ]:
        found = fast_fail(code)
        assert found is not None
        assert found[0] == f"FAST_FAIL_{name}"
    assert [code for code in range(-1, 80) if fast_fail(code) is None] == [-1, 15, 16, 17, *range(71, 80)]


@pytest.mark.parametrize("number", [n for n in signal.Signals if 1 <= n <= 31])
def test_signals_are_those_of_this_system(number: signal.Signals) -> None:
    if signal.Signals.SIGBUS != 7:
        pytest.skip("not the numbers of most Linux systems")
    name = signals.signal_name(number.value)
    assert name is not None
    assert signal.Signals[name] == number


def test_signals_differ_by_cpu() -> None:
    assert signals.signal_name(10) == "SIGUSR1"
    assert signals.signal_name(10, "mips") == "SIGBUS"
    assert signals.signal_name(20, "sparc") == "SIGCHLD"
    assert signals.signal_name(33) == "SIGRT33"
    assert signals.signal_name(0) is None
    assert signals.signal_name(0xFFFFFFFF) is None


def test_si_codes() -> None:
    assert signals.si_code_name("SIGSEGV", 1) == ("SEGV_MAPERR", "nothing is mapped at the address")
    assert signals.si_code_name("SIGFPE", 1) == ("FPE_INTDIV", "integer division by zero")
    for tkill in (-6, 0xFFFFFFFA):
        found = signals.si_code_name("SIGABRT", tkill)
        assert found is not None
        assert found[0] == "SI_TKILL"
    assert signals.si_code_name("SIGABRT", 99) is None


def test_mach_codes() -> None:
    assert mach.code_name("EXC_BAD_ACCESS", 1, "arm64") == ("KERN_INVALID_ADDRESS", "nothing is mapped at the address")
    found = mach.code_name("EXC_BAD_ACCESS", 13, "amd64")
    assert found is not None
    assert found[0] == "EXC_I386_GPFLT"
    assert mach.code_name("EXC_BAD_ACCESS", 13, "arm64") is None
    guard = mach.guard_text(2 << 29, 1 << 32 | 5, 7)
    assert guard == "GUARD_TYPE_FD / GUARD_EXC_CLOSE file descriptor: 5 guard identifier: 7"
    cpu = mach.resource_text(1 << 29, 2 << 58 | 60 << 7 | 5, 6)
    assert cpu == "RESOURCE_TYPE_CPU / FLAVOR_CPU_MONITOR_FATAL interval: 60s CPU limit: 5% CPU consumed: 6%"
    assert mach.guard_text(7 << 29, 0, 0) is None


def test_memory_protection() -> None:
    assert permissions(0x20) == "r-x"
    assert permissions(0x104) == "rw-"
    assert permissions(0) == ""


def test_windows_versions() -> None:
    assert windows_name(7601) == "Windows 7 SP1"
    assert windows_name(19045) == "Windows 10 22H2"
    assert windows_name(22621) == "Windows 11 22H2"
    assert windows_name(17763, 3) == "Windows Server 2019"
    assert windows_name(19044, 1) == "Windows 10 21H2"
    assert windows_name(22700) == "Windows 11 23H2+"
    assert windows_name(1) is None
