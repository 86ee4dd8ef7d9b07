"""Strings as minidumps keep them, decoded so that any bytes give some text."""

from mdmp.binary.window import Window
from mdmp.errors import FormatError, IssueLog

MAX_BYTES = 0x10000
"""No name or path is longer: a UNICODE_STRING of Windows ends there."""
MAX_COMMENT = 0x10000
"""Comments are a few lines; what is longer than this is cut."""


class Texts:
    """Reads what one stream's RVAs point to.

    The pieces of an honest file do not overlap, so that together they are no longer than the file; a hostile one
    points a thousand times to one long string. Strings are therefore decoded once, and their sum is limited.
    """

    def __init__(self, file: Window) -> None:
        self.file = file
        self._left = len(file)
        self._wide: dict[int, str] = {}

    def take(self, rva: int, size: int, what: str, most: int = MAX_BYTES) -> bytes:
        """`size` bytes at `rva`; `FormatError` when they are not there, or too many."""
        file = self.file
        if 0 <= rva <= file.size - size and size <= most and size <= self._left:
            self._left -= size
            at = file.start + rva
            return bytes(file.buffer[at : at + size])
        file.check(rva, min(size, most), what)
        if size > most:
            raise FormatError(what, f"expected at most {most} bytes; found {size}", rva)
        raise FormatError(what, "expected pieces that do not overlap; found more bytes than the file has", rva)

    def wide(self, rva: int) -> str:
        """A MINIDUMP_STRING: length in bytes without the terminator, then UTF-16LE."""
        text = self._wide.get(rva)
        if text is None:
            raw = self.take(rva + 4, self.file.u32(rva, "MINIDUMP_STRING"), "MINIDUMP_STRING")
            text = self._wide[rva] = raw.decode("utf-16-le", "replace")
        return text

    def optional_wide(self, rva: int, issues: IssueLog, *place: str | int) -> str | None:
        """The string at `rva`; None where there is none (0) or it cannot be read, which is noted.

        `place` is (stream, list, index, field): put together only when it is needed.
        """
        if not rva:
            return None
        try:
            return self.wide(rva)
        except FormatError as error:
            stream, *rest = place
            where = f"{stream}.{rest[0]}[{rest[1]}].{rest[2]}" if len(rest) == 3 else ".".join(map(str, place))
            issues.add(where, error.problem, error.offset)
            return None

    def utf8(self, rva: int) -> str:
        """Crashpad's MinidumpUTF8String: length in bytes without the terminator, then UTF-8."""
        return self.byte_array(rva).decode("utf-8", "replace")

    def byte_array(self, rva: int) -> bytes:
        """Crashpad's MinidumpByteArray: length in bytes, then the bytes."""
        return self.take(rva + 4, self.file.u32(rva, "MinidumpByteArray"), "MinidumpByteArray")


def fixed_wide(raw: bytes) -> str:
    """A fixed field of UTF-16LE, up to its first NUL."""
    return raw.decode("utf-16-le", "replace").split("\0", 1)[0]


def pack_fixed_wide(text: str, size: int) -> bytes:
    """`text` in a fixed field of UTF-16LE, cut so that a NUL follows it."""
    return text.encode("utf-16-le", "replace")[: size - 2].ljust(size, b"\0")
