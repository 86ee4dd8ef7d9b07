"""What a C++ `throw` threw, read from the memory of the process.

Sources: the structures of Visual C++'s ehdata.h (ThrowInfo, CatchableTypeArray, CatchableType, TypeDescriptor), as
described in Microsoft's article on decoding the parameters of exception E06D7363; the Itanium C++ ABI's exception
handling chapter and libgcc's unwind-seh.c for code 0x20474343.
"""

from dataclasses import dataclass

from mdmp.errors import MemoryUnavailable
from mdmp.snapshot.exception import ExceptionRecord
from mdmp.snapshot.memory import MemoryReader

MSVC_CODE = 0xE06D7363
GCC_CODE = 0x20474343
_MAGICS = (0x19930520, 0x19930521, 0x19930522, 0x01994000)
_GCC_OBJECT = 64
"""Bytes from the unwinder's header to what was thrown, on Windows."""
_GCC_WITH_TEXT = (
    *("St13runtime_error", "St11range_error", "St14overflow_error", "St15underflow_error", "St11logic_error"),
    *("St12domain_error", "St16invalid_argument", "St12length_error", "St12out_of_range"),
)
_MAX_TYPES = 64
_MAX_NAME = 4096
_MAX_TEXT = 1024


@dataclass(frozen=True, slots=True)
class ThrownObject:
    types: tuple[str, ...]
    """The thrown type and then the bases by which it can be caught; empty when memory does not tell."""
    what: str | None = None
    """The text of a std::exception."""
    address: int | None = None
    rethrown: bool = False
    """`throw;` without an object: what was thrown first is not in the record."""
    panic: bool = False
    """A Rust panic, which unwinds as a C++ exception."""


def thrown_object(record: ExceptionRecord, memory: MemoryReader, pointer_size: int) -> ThrownObject | None:
    """The object behind a C++ exception record; None when the record is not one of a known compiler."""
    if record.code == MSVC_CODE:
        return _thrown_msvc(record, memory, pointer_size)
    if record.code == GCC_CODE:
        return _thrown_gcc(record, memory, pointer_size)
    return None


def _thrown_msvc(record: ExceptionRecord, memory: MemoryReader, pointer_size: int) -> ThrownObject:
    parameters = record.parameters
    if len(parameters) < 3 or parameters[0] not in _MAGICS:
        return ThrownObject(())
    thrown, info = parameters[1], parameters[2]
    if info == 0:
        return ThrownObject((), address=thrown or None, rethrown=True)
    # With a fourth parameter (64-bit) the structures hold offsets from the image's base, else addresses.
    base = parameters[3] if len(parameters) > 3 else 0
    names: list[str] = []
    what = None
    for raw_name, displacement in _catchable_types(memory, info, base, pointer_size):
        names.append(readable_type(raw_name))
        if raw_name == ".?AVexception@std@@" and displacement is not None:
            # std::exception: virtual function table, then __std_exception_data with the text first
            what = _text(memory, memory.word(thrown + displacement + pointer_size, pointer_size))
    return ThrownObject(tuple(names), what, thrown, panic=names[:1] == ["rust_panic"])


def _catchable_types(memory: MemoryReader, info: int, base: int, pointer_size: int) -> list[tuple[str, int | None]]:
    """(decorated name, offset of that base in the object or None where it is virtual) of each catchable type."""
    found: list[tuple[str, int | None]] = []
    array = memory.word(info + 12, 4)
    count = memory.word(base + array, 4) if array else None
    for i in range(min(count or 0, _MAX_TYPES)):
        kind = memory.word(base + (array or 0) + 4 + 4 * i, 4)
        descriptor = memory.word(base + kind + 4, 4) if kind else None
        if not kind or not descriptor:
            break
        name = memory.read_some(base + descriptor + 2 * pointer_size, _MAX_NAME).partition(b"\0")[0]
        if not name:
            break
        displacement, virtual = memory.word(base + kind + 8, 4), memory.word(base + kind + 12, 4)
        found.append((name.decode("latin-1"), displacement if virtual == 0xFFFFFFFF else None))
    return found


def _thrown_gcc(record: ExceptionRecord, memory: MemoryReader, pointer_size: int) -> ThrownObject:
    if not record.parameters or pointer_size != 8:
        return ThrownObject(())
    header = record.parameters[0]
    try:
        owner = memory.read(header, 8)[::-1]
    except MemoryUnavailable:
        return ThrownObject(())
    if owner == b"MOZ\0RUST":
        return ThrownObject(("Rust panic",), panic=True)
    if owner[:7] not in (b"GNUCC++", b"CLNGC++"):
        return ThrownObject(())
    # __cxa_exception ends with the unwinder's header; the std::type_info is its first field, 80 bytes before.
    type_info = memory.word(header - 80, 8)
    name = memory.word(type_info + 8, 8) if type_info else None
    encoded = _text(memory, name)
    if not encoded:
        return ThrownObject((), address=header + _GCC_OBJECT)
    encoded = encoded.lstrip("*")
    # Behind the virtual function table comes the text, in these classes.
    what = _text(memory, memory.word(header + _GCC_OBJECT + 8, 8)) if encoded in _GCC_WITH_TEXT else None
    return ThrownObject((readable_type(encoded, "itanium"),), what, header + _GCC_OBJECT)


def readable_type(encoded: str, language: str = "msvc") -> str:
    """`std::runtime_error` for `.?AVruntime_error@std@@` or `St13runtime_error`; the input when it is neither."""
    try:
        import demangle
    except ImportError:  # the system's handler may run with nothing but mdmp itself
        return encoded
    try:
        name = demangle.demangle_type(encoded, language=language)
    except (demangle.ParseError, demangle.NotMangledError, demangle.LimitExceeded):
        return encoded
    for word in ("class ", "struct ", "union ", "enum "):
        name = name.replace(word, "")
    return name


def _text(memory: MemoryReader, address: int | None) -> str | None:
    """A printable C string, its lines as one, or None."""
    if not address:
        return None
    raw = memory.read_some(address, _MAX_TEXT).partition(b"\0")[0]
    text = " ".join(raw.decode("utf-8", "replace").split())
    return text if text and text.isprintable() else None
