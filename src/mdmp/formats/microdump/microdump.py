"""Lines of a microdump, with or without what `logcat` puts before each.

Breakpad's client for Linux writes them (microdump_writer.cc): a letter tells what a line holds, numbers are
hexadecimal. `O` system, `R` signal, `S` stack, `C` registers, `M` modules, `V`, `P` and `G` product, process and GPU.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, Issue, IssueLog

BEGIN, END = b"-----BEGIN BREAKPAD MICRODUMP-----", b"-----END BREAKPAD MICRODUMP-----"
MAX_SEARCH = 1 << 16
"""Where a microdump has to begin, so that any other file is soon known to be none."""
MAX_SIZE = 1 << 26
_TAG = re.compile(rb"google-breakpad[^:\n]*:[ ]?$")
"""The writer's name in a log, with the process that wrote: `google-breakpad(25655): `."""
_NUMBER = re.compile(rb"[0-9A-Fa-f]{1,16}")


class Signal(NamedTuple):
    number: int
    name: str
    address: int


class Stack(NamedTuple):
    pointer: int
    start: int
    size: int


class ModuleLine(NamedTuple):
    start: int
    offset: int
    """Of the mapping in its file."""
    size: int
    identifier: bytes
    """A GUID as 16 raw bytes: the first of the build id."""
    age: int
    name: str


class Microdump:
    """The first microdump in a window. What is damaged is in `issues`, what was not written is None or empty."""

    def __init__(self, window: Window) -> None:
        self.os = self.architecture = self.hardware = self.os_version = ""
        self.cpu_count: int | None = None
        self.product = self.process_type = self.gpu = ""
        self.signal: Signal | None = None
        self.stack: Stack | None = None
        self.pieces: list[tuple[int, bytes]] = []
        """(address, bytes) of the stack."""
        self.context = b""
        self.modules: list[ModuleLine] = []
        self._issues = IssueLog()
        self._read(window)

    @property
    def issues(self) -> tuple[Issue, ...]:
        return self._issues.freeze()

    def _read(self, window: Window) -> None:
        start = find(window)
        if start is None:
            raise FormatError(window.name, f"expected {BEGIN.decode()}; found no such line", window.start)
        line_start = window.buffer.rfind(b"\n", window.start, start) + 1
        tag = _TAG.search(bytes(window.buffer[max(line_start, start - 256) : start]))
        stop = window.buffer.find(END, start, window.start + window.size)
        if stop < 0:
            self._issues.add("microdump", f"expected a line {END.decode()}; the log ends before it", start)
            stop = window.start + window.size
        elif window.buffer.find(BEGIN, stop, window.start + window.size) >= 0:
            self._issues.add("microdump", "another one follows in this file; only the first is read", stop)
        if stop - start > MAX_SIZE:
            self._issues.add("microdump", f"expected at most {MAX_SIZE:#x} bytes; found {stop - start:#x}", start)
            stop = start + MAX_SIZE
        at = start
        for line in bytes(window.buffer[start:stop]).split(b"\n"):
            text = line.partition(tag.group())[2] if tag else line
            try:
                self._line(text.rstrip(b"\r"))
            except FormatError as error:
                self._issues.add(error.place, error.problem, at)
            at += len(line) + 1

    def _line(self, text: bytes) -> None:
        read = _LINES.get(text[:2].rstrip())
        if read:
            read(self, text[2:])

    def _system(self, rest: bytes) -> None:
        words = rest.split(b" ", 4)
        if len(words) < 4:
            raise FormatError("microdump O", f"expected system, processor, count and hardware; found {rest[:80]!r}")
        self.os, self.architecture, self.hardware = _text(words[0]), _text(words[1]), _text(words[3])
        self.os_version = _text(b"".join(words[4:]))
        self.cpu_count = _number("O", words[2])

    def _signal(self, rest: bytes) -> None:
        words = _words("R", rest, 3)
        self.signal = Signal(_number("R", words[0]), _text(words[1]), _number("R", words[2]))

    def _stack(self, rest: bytes) -> None:
        words = rest.split()
        if len(words) == 4:
            self.stack = Stack(*(_number("S", word) for word in words[1:]))
        else:
            address, data = _words("S", rest, 2)
            self.pieces.append((_number("S", address), _bytes("S", data)))

    def _registers(self, rest: bytes) -> None:
        self.context = _bytes("C", rest.strip())

    def _module(self, rest: bytes) -> None:
        start, offset, size, identifier, name = _words("M", rest, 5)
        if len(identifier) < 33:
            raise FormatError("microdump M", f"expected 32 digits and the age; found {_text(identifier)}")
        guid = _bytes("M", identifier[:32])
        raw = guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]
        first, at, length, age = (_number("M", word) for word in (start, offset, size, identifier[32:]))
        self.modules.append(ModuleLine(first, at, length, raw, age, _text(name)))

    def _product(self, rest: bytes) -> None:
        self.product = _text(rest)

    def _process_type(self, rest: bytes) -> None:
        self.process_type = _text(rest)

    def _gpu(self, rest: bytes) -> None:
        self.gpu = _text(rest)


_LINES: dict[bytes, Callable[[Microdump, bytes], None]] = {
    b"V": Microdump._product,
    b"O": Microdump._system,
    b"P": Microdump._process_type,
    b"R": Microdump._signal,
    b"G": Microdump._gpu,
    b"S": Microdump._stack,
    b"C": Microdump._registers,
    b"M": Microdump._module,
}


def find(window: Window) -> int | None:
    """Where in the buffer a microdump begins, None for another file."""
    at = window.buffer.find(BEGIN, window.start, window.start + min(window.size, MAX_SEARCH))
    return None if at < 0 else at


def _words(kind: str, rest: bytes, count: int) -> list[bytes]:
    words = rest.split(None, count - 1)
    if len(words) < count:
        raise FormatError(f"microdump {kind}", f"expected {count} words; found {len(words)}")
    return words


def _number(kind: str, word: bytes) -> int:
    if not _NUMBER.fullmatch(word):
        raise FormatError(f"microdump {kind}", f"expected a hexadecimal number; found {word[:20]!r}")
    return int(word, 16)


def _bytes(kind: str, digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise FormatError(f"microdump {kind}", f"expected hexadecimal digits; found {digits[:20]!r}…") from None


def _text(raw: bytes) -> str:
    return raw.strip().decode("utf-8", "replace")
