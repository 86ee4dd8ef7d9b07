"""Exceptions of Windows -> kinds of faults, and their words.

Sources: as the tables in `platforms`; for access violations Microsoft's documents of EXCEPTION_RECORD.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mdmp.platforms import ntstatus
from mdmp.platforms.clr import EXCEPTION_CLASSES
from mdmp.platforms.fastfail import fast_fail
from mdmp.platforms.win32_errors import hresult_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.snapshot.exception import ExceptionRecord
    from mdmp.snapshot.thrown import ThrownObject

ACCESS_VIOLATION: Final = 0xC0000005
IN_PAGE_ERROR: Final = 0xC0000006
GUARD_PAGE: Final = 0x80000001
STACK_OVERFLOW: Final = 0xC00000FD
FAST_FAIL: Final = 0xC0000409
BREAKPOINT: Final = 0x80000003
SINGLE_STEP: Final = 0x80000004
WOW64_BREAKPOINT: Final = 0x4000001F
"""A 32-bit program's breakpoint, as the 64-bit system tells it."""
CPP: Final = 0xE06D7363
GCC: Final = 0x20474343
CLR: Final = frozenset((0xE0434352, 0xE0434F4D, 0x80131506, 0x80131623))
"""Two that .NET raises, and two with which it gives up (engine error, FailFast)."""

KIND_OF: Final = {
    ACCESS_VIOLATION: "access_violation",
    IN_PAGE_ERROR: "access_violation",
    GUARD_PAGE: "access_violation",
    0x80000002: "access_violation",  # misaligned
    STACK_OVERFLOW: "stack_overflow",
    0xE053534F: "stack_overflow",
    0x800703E9: "stack_overflow",
    FAST_FAIL: "other_exception",  # or what its parameter says
    0xC0000374: "heap_corruption",
    0xC000001D: "illegal_instruction",
    0xC0000096: "illegal_instruction",
    0xC0000094: "arithmetic",
    0xC0000095: "arithmetic",
    **dict.fromkeys(range(0xC000008D, 0xC0000094), "arithmetic"),
    BREAKPOINT: "breakpoint",
    SINGLE_STEP: "breakpoint",
    0x4000001E: "breakpoint",
    WOW64_BREAKPOINT: "breakpoint",
    0xC0000417: "abort",
    0xC0000420: "abort",
    0xC0000602: "abort",
    0x40000015: "abort",
    CPP: "cpp_exception",
    GCC: "cpp_exception",
    0x0EEFFACE: "cpp_exception",
    **dict.fromkeys(CLR, "clr_exception"),
}
NOT_STARTED: Final = (0xC0000135, 0xC0000138, 0xC0000139, 0xC0000142)
"""With what a program ends whose DLLs are missing or fail, before any of its own code has run."""
_FAST_FAIL_KINDS: Final = {0: "buffer_overrun", 2: "buffer_overrun", 8: "buffer_overrun", 28: "buffer_overrun",
                           5: "abort", 7: "abort", 35: "heap_corruption", 50: "heap_corruption"}  # fmt: skip
_ANNOUNCED: Final = re.compile(r"Critical error detected ([0-9a-fA-F]{8})\b")
_LAST_LINES: Final = 8
_OF_ADDRESSES: Final = (ACCESS_VIOLATION, IN_PAGE_ERROR, GUARD_PAGE)
"""Their parameters are the kind of access and the address."""
_ACCESS: Final = {0: "read", 1: "write", 8: "execution"}


def kind_of(record: ExceptionRecord) -> str:
    """A name of `fault.KINDS` for an exception that nobody handles."""
    if record.code == FAST_FAIL and record.parameters:
        return _FAST_FAIL_KINDS.get(record.parameters[0], "other_exception")
    return KIND_OF.get(record.code, "other_exception")


def announced_kind(output: Sequence[str]) -> str | None:
    """What ntdll says to a debugger before it stops at a breakpoint instead of raising the exception: `Critical error
    detected c0000374`."""
    for line in reversed(output[-_LAST_LINES:]):
        if found := _ANNOUNCED.search(line):
            return KIND_OF.get(int(found[1], 16))
    return None


def address_of(record: ExceptionRecord) -> int | None:
    """What was accessed, or else where the instruction was."""
    if record.code in _OF_ADDRESSES and len(record.parameters) >= 2:
        return record.parameters[1]
    return record.address


def text_of(record: ExceptionRecord, thrown: ThrownObject | None, place: str = "") -> str:
    """One line for people: `access violation (C0000005): read of 0x24 at app.exe+0x10c4 in thread 4711`."""
    details = _details(record, thrown)
    at = place or (f"{record.address:#x}" if record.address is not None else "")
    words = f"{_words(record)} ({record.code:08X})" + (f": {details}" if details else "")
    return words + (f" at {at}" if at else "") + (f" in thread {record.tid}" if record.tid is not None else "")


def message_of(thrown: ThrownObject | None) -> str | None:
    """What a C++ exception says of itself: `std::runtime_error: no apples are left`."""
    if thrown is None or not thrown.types:
        return None
    return thrown.types[0] + (f": {thrown.what}" if thrown.what else "")


def names_of(record: ExceptionRecord, thrown: ThrownObject | None) -> frozenset[str]:
    """All that an exception may be called in a filter, in lower case."""
    names = {f"{record.code:08x}", f"{record.code:#x}", f"{record.code:#010x}", str(record.code), kind_of(record)}
    for full in (ntstatus.EXCEPTION_NAMES.get(record.code), ntstatus.nt_status_name(record.code)):
        if full:
            names |= {full, full.removeprefix("EXCEPTION_").removeprefix("STATUS_")}
    if foreign := ntstatus.FOREIGN.get(record.code):
        names.add(foreign[0])
    if record.code in (CPP, GCC):
        names |= {"c++", "cpp", *(thrown.types if thrown else ())}
        names |= {thrown.what} if thrown and thrown.what else set()
    if record.code in CLR:
        names |= {"clr", ".net"}
        if record.parameters:
            hresult = record.parameters[0] & 0xFFFFFFFF
            names |= {
                f"{hresult:08x}",
                f"{hresult:#x}",
                EXCEPTION_CLASSES.get(hresult, ""),
                hresult_name(hresult) or "",
            }
    if record.code == FAST_FAIL and record.parameters and (named := fast_fail(record.parameters[0])):
        names |= {named[0], named[0].removeprefix("FAST_FAIL_")}
    return frozenset(name.lower() for name in names if name)


def _words(record: ExceptionRecord) -> str:
    code = record.code
    if code == FAST_FAIL and record.parameters and (named := fast_fail(record.parameters[0])):
        return f"{named[1]}, {named[0]}"
    if text := ntstatus.PLAIN.get(code):
        return text
    if foreign := ntstatus.FOREIGN.get(code):
        return foreign[1].removeprefix("uncaught ")
    return ntstatus.nt_status_name(code) or hresult_name(code) or "an exception of the program's own"


def _details(record: ExceptionRecord, thrown: ThrownObject | None) -> str:
    parameters = record.parameters
    if record.code in _OF_ADDRESSES and len(parameters) >= 2:
        details = f"{_ACCESS.get(parameters[0], 'access')} of {parameters[1]:#x}"
        if record.code == IN_PAGE_ERROR and len(parameters) >= 3:
            status = parameters[2] & 0xFFFFFFFF
            details += f" failed with {ntstatus.nt_status_name(status) or f'{status:#010x}'}"
        return details
    if record.code in CLR and parameters:
        hresult = parameters[0] & 0xFFFFFFFF
        return f"{EXCEPTION_CLASSES.get(hresult) or hresult_name(hresult) or 'HRESULT'} ({hresult:#010x})"
    return message_of(thrown) or ""
