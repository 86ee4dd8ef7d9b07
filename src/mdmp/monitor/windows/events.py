"""DEBUG_EVENT -> what happened, in plain words.

Source: Microsoft's documents of DEBUG_EVENT (debugapi.h) and EXCEPTION_RECORD (winnt.h).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

from mdmp.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT_SIZE: Final = 176
"""Of the larger one, that of a 64-bit program."""
MAX_PARAMETERS: Final = 15


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception, at its first or second chance. Numbers are as wide as those of the debugger."""

    code: int
    flags: int
    nested: int
    address: int
    parameters: tuple[int, ...]
    first_chance: bool


@dataclass(frozen=True, slots=True)
class ThreadBegan:
    handle: int
    """Belongs to the debug API: not to be closed."""
    teb: int


@dataclass(frozen=True, slots=True)
class ProcessBegan:
    file: int
    """A handle that we have to close; 0: none."""
    process: int
    """Belongs to the debug API, as `thread` does: not to be closed."""
    thread: int
    base: int
    teb: int


@dataclass(frozen=True, slots=True)
class ThreadEnded:
    status: int


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    status: int


@dataclass(frozen=True, slots=True)
class Loaded:
    file: int
    """A handle that we have to close; 0: none."""
    base: int


@dataclass(frozen=True, slots=True)
class Unloaded:
    base: int


@dataclass(frozen=True, slots=True)
class Printed:
    """A text for the debugger, in the memory of the process."""

    address: int
    wide: bool
    length: int
    """In characters, the terminator included, as far as 16 bits tell."""


@dataclass(frozen=True, slots=True)
class Rip:
    """The system found an error in the process that it cannot tell in another way."""

    error: int
    severity: int


What = Raised | ThreadBegan | ProcessBegan | ThreadEnded | ProcessEnded | Loaded | Unloaded | Printed | Rip


@dataclass(frozen=True, slots=True)
class Event:
    pid: int
    tid: int
    what: What


def parse_event(raw: bytes, word: int) -> Event:
    """`word`: bytes of a pointer in *our* program, whatever the other one is. `FormatError` for an unknown event."""
    code, pid, tid = _HEAD.unpack_from(raw)
    parse = _PARSERS.get(code)
    if parse is None:
        raise FormatError("DEBUG_EVENT", f"unknown event {code}")
    return Event(pid, tid, parse(raw[16 if word == 8 else 12 :], word == 8))


_HEAD = Struct("<III")


def _exception(raw: bytes, wide: bool) -> Raised:
    head = _EXCEPTION[wide]
    code, flags, nested, address, count = head.unpack_from(raw)
    start, word = (32, 8) if wide else (20, 4)
    parameters = Struct(f"<{min(count, MAX_PARAMETERS)}{'Q' if wide else 'I'}").unpack_from(raw, start)
    (first,) = _NUMBER.unpack_from(raw, start + MAX_PARAMETERS * word)
    return Raised(code, flags, nested, address, parameters, first != 0)


def _process_began(raw: bytes, wide: bool) -> ProcessBegan:
    file, process, thread, base, _, _, teb = _CREATE_PROCESS[wide].unpack_from(raw)
    return ProcessBegan(file, process, thread, base, teb)


def _loaded(raw: bytes, wide: bool) -> Loaded:
    return Loaded(*_TWO[wide].unpack_from(raw))


def _printed(raw: bytes, wide: bool) -> Printed:
    address, is_wide, length = _PRINTED[wide].unpack_from(raw)
    return Printed(address, is_wide != 0, length)


_NUMBER = Struct("<I")
_TWO_NUMBERS = Struct("<II")
# 32-bit first, then 64-bit.
_ONE = (Struct("<I"), Struct("<Q"))
_TWO = (Struct("<II"), Struct("<QQ"))
_EXCEPTION = (Struct("<IIIII"), Struct("<IIQQI"))
_CREATE_PROCESS = (Struct("<IIIIIII"), Struct("<QQQQIIQ"))
_PRINTED = (Struct("<IHH"), Struct("<QHH"))
_PARSERS: dict[int, Callable[[bytes, bool], What]] = {
    1: _exception,
    2: lambda raw, wide: ThreadBegan(*_TWO[wide].unpack_from(raw)),
    3: _process_began,
    4: lambda raw, wide: ThreadEnded(*_NUMBER.unpack_from(raw)),
    5: lambda raw, wide: ProcessEnded(*_NUMBER.unpack_from(raw)),
    6: _loaded,
    7: lambda raw, wide: Unloaded(*_ONE[wide].unpack_from(raw)),
    8: _printed,
    9: lambda raw, wide: Rip(*_TWO_NUMBERS.unpack_from(raw)),
}
