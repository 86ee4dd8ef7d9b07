"""Strings as minidumps keep them, decoded so that any bytes give some text."""

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

MAX_BYTES = 0x20000
"""No name or path is longer: Windows paths end at 64 KiB."""


def wide_string(file: Window, rva: int, what: str = "MINIDUMP_STRING") -> str:
    """A MINIDUMP_STRING: length in bytes without the terminator, then UTF-16LE."""
    size = file.u32(rva, what)
    if size > MAX_BYTES:
        raise FormatError(what, f"expected a string of at most {MAX_BYTES} bytes; found {size}", rva)
    return file.read(rva + 4, size, what).decode("utf-16-le", "replace")


def utf8_string(file: Window, rva: int, what: str = "MinidumpUTF8String") -> str:
    """Crashpad's string: length in bytes without the terminator, then UTF-8."""
    return byte_array(file, rva, what).decode("utf-8", "replace")


def byte_array(file: Window, rva: int, what: str = "MinidumpByteArray") -> bytes:
    """Crashpad's byte array: length in bytes, then the bytes."""
    size = file.u32(rva, what)
    if size > MAX_BYTES:
        raise FormatError(what, f"expected at most {MAX_BYTES} bytes; found {size}", rva)
    return file.read(rva + 4, size, what)


def optional_wide(file: Window, rva: int, issues: IssueLog, what: str) -> str | None:
    """The string at `rva`; None where there is none (0) or it cannot be read, which is noted."""
    if not rva:
        return None
    try:
        return wide_string(file, rva, what)
    except FormatError as error:
        issues.add(what, error.problem, error.offset)
        return None


def fixed_wide(raw: bytes) -> str:
    """A fixed field of UTF-16LE, up to its first NUL."""
    return raw.decode("utf-16-le", "replace").split("\0", 1)[0]
