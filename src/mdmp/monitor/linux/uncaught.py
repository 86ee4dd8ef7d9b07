"""A C++ program that ends by `std::terminate`: that it did, and by which exception.

Source: the Itanium C++ ABI for exception handling and type_info, and the headers of libstdc++ and libc++abi, which keep
the same fields at the same distance from the unwinder's header (`_Unwind_Exception`) on 64-bit systems.
"""

from __future__ import annotations

import re
from struct import unpack_from
from typing import TYPE_CHECKING

from mdmp.arch import CPUS
from mdmp.monitor.linux.images import LIBC, LIBCPP
from mdmp.snapshot.thrown import readable_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mdmp.monitor.linux.images import Images
    from mdmp.snapshot import Context, MemoryReader

_TERMINATE = (
    "_ZSt9terminatev",
    "_ZN9__gnu_cxx27__verbose_terminate_handlerEv",
    "_ZN9__gnu_cxx27__verbose_terminate_handlerEv.cold",
    "_ZN10__cxxabiv111__terminateEPFvvE",
)
"""None of them returns, so none is on the stack unless it runs. Only static programs tell of the last two."""
_ASSERTION = ("_ZSt21__glibcxx_assert_failPKciS0_S0_", "_ZSt21__glibcxx_assert_failPKciS1_S1_")
_PURE_VIRTUAL = ("__cxa_pure_virtual",)
_DERIVED_TYPE = ("_ZTVN10__cxxabiv120__si_class_type_infoE",)
"""The virtual function table of std::type_info for classes with one base."""
_SEARCHED = 1 << 14
"""Bytes of stack: what lies between std::terminate and the end of abort is a tenth of it."""
_MAX_BASES = 32
_MAX_TEXT = 1 << 12
_OWNERS = (b"GNUCC++"[::-1], b"CLNGC++"[::-1])
_OBJECT, _TYPE, _HANDLERS = 32, -80, -40
"""From the unwinder's header on: the thrown object, its type, the number of handlers that have caught it."""
_WITH_TEXT = ("St13runtime_error", "St11logic_error")
_MANGLED = re.compile(r"\*?[A-Za-z0-9_.$]+")


def uncaught(context: Context, images: Images, memory: MemoryReader) -> tuple[str, ...] | None:
    """What is known of the exception, if the thread is in std::terminate; None: it is not."""
    size = 8 if context.cpu in ("amd64", "arm64") else 4
    pointer = context.registers[CPUS[context.cpu].sp]
    raw = memory.read_some(pointer, _SEARCHED)
    words = unpack_from(f"<{len(raw) // size}{'Q' if size == 8 else 'I'}", raw)

    def runs(*names: str) -> bool:
        return any(place.holds_return(word) for place in images.find(LIBCPP, *names) for word in words)

    if not runs(*_TERMINATE) and (runs(*_ASSERTION) or not _library_aborts(words, images, memory)):
        return None
    if runs(*_PURE_VIRTUAL):
        return ("pure virtual method called",)
    if size == 8:
        for word in (*context.registers.values(), *words):
            if header := _caught(word, memory):
                return (_describe(header, images, memory),)
    return ()


def _library_aborts(words: Iterable[int], images: Images, memory: MemoryReader) -> bool:
    """It has called `abort`: only that call's own return address follows such a call (x86-64)."""
    aborts = {place.start for place in images.find(LIBC, "abort")}
    code = images.code(LIBCPP)
    for word in words:
        if any(start < word <= end for start, end in code):
            slot = _slot_of_call(word, memory)
            if slot is not None and memory.word(slot, 8) in aborts:
                return True
    return False


def _slot_of_call(after: int, memory: MemoryReader) -> int | None:
    """Where the address of the function stands that is called from another library right before an address."""
    call = memory.read_some(after - 6, 6)
    if call[:2] == b"\xff\x15":  # call [rip + x]
        return after + int.from_bytes(call[2:], "little", signed=True)
    if call[1:2] != b"\xe8":
        return None
    stub = after + int.from_bytes(call[2:], "little", signed=True)
    jump = memory.read_some(stub, 16)
    skipped = 4 if jump.startswith(b"\xf3\x0f\x1e\xfa") else 0  # endbr64
    skipped += jump[skipped : skipped + 1] == b"\xf2"  # bnd
    if jump[skipped : skipped + 2] != b"\xff\x25":  # jmp [rip + x]
        return None
    return stub + skipped + 6 + int.from_bytes(jump[skipped + 2 : skipped + 6], "little", signed=True)


def _caught(address: int, memory: MemoryReader) -> int | None:
    """The unwinder's header of the exception in hand that an address leads to: std::terminate has caught it."""
    raw = memory.read_some(address, 8) if address % 16 == 0 and address else b""
    if raw[1:] not in _OWNERS:
        return None
    handlers = memory.word(address + _HANDLERS, 4) or 0
    if not 0 < handlers < 1 << 16:
        return None
    if raw[0] == 0:
        return address
    primary = memory.word(address + _TYPE, 8)  # of std::rethrow_exception: it leads to what was thrown first
    return primary - _OBJECT if primary else None


def _describe(header: int, images: Images, memory: MemoryReader) -> str:
    type_info = memory.word(header + _TYPE, 8) or 0
    name = _type_name(type_info, memory)
    if name is None:
        return "uncaught exception"
    text = _what(header + _OBJECT, type_info, images, memory)
    return f"uncaught exception {readable_type(name, 'itanium')}" + (f": {text}" if text else "")


def _type_name(type_info: int, memory: MemoryReader) -> str | None:
    name = _text(memory, memory.word(type_info + 8, 8) or 0)
    return name.lstrip("*") if name and len(name) < _MAX_TEXT and _MANGLED.fullmatch(name) else None


def _what(thrown: int, type_info: int, images: Images, memory: MemoryReader) -> str | None:
    """The text of an exception made from std::runtime_error or std::logic_error, which begins with theirs."""
    if any(_type_name(each, memory) in _WITH_TEXT for each in _lineage(type_info, images, memory)):
        return _text(memory, memory.word(thrown + 8, 8) or 0)
    return None


def _lineage(type_info: int, images: Images, memory: MemoryReader) -> Iterator[int]:
    """A type, its only base, that one's…"""
    derived = {place.start + 16 for place in images.find(LIBCPP, *_DERIVED_TYPE)}
    for _ in range(_MAX_BASES):
        yield type_info
        if memory.word(type_info, 8) not in derived:
            return
        type_info = memory.word(type_info + 16, 8) or 0


def _text(memory: MemoryReader, address: int) -> str | None:
    """As much of it as is shown."""
    raw = memory.read_some(address, _MAX_TEXT).partition(b"\0")[0]
    return raw.decode("utf-8", "replace") if raw else None
