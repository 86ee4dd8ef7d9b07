"""The lines below a FUNC record, and those below a STACK CFI INIT record."""

import re
from bisect import bisect_right
from collections.abc import Callable
from operator import itemgetter

from mdmp.binary.window import Window
from mdmp.formats.breakpad.records import (
    CfiChange,
    CfiInit,
    Func,
    Inline,
    Line,
    Rules,
    read_cfi_change,
    read_inline,
    read_line,
)
from mdmp.formats.breakpad.tables import NONE

MAX_TEXT = 1 << 16
"""Bytes of one record that are looked at; longer names are cut there."""
MAX_BLOCK = 1 << 21
"""Bytes below one FUNC record that are looked at: about a hundred thousand lines."""
MAX_CFI_CHANGES = 1 << 14
MAX_CFI_REGISTERS = 64
_MAX_OVERLAPS = 16

_END = re.compile(rb"\n(?=[FPSMI])(?:FUNC|PUBLIC|STACK|FILE|MODULE|INFO) ")

Damaged = Callable[[int, str], None]
"""Told the offset of a record that is given up, and why; "" where it breaks its form."""


def text_at(window: Window, offset: int) -> bytes:
    """The line that starts at `offset`, without its line end; at most `MAX_TEXT` bytes of it."""
    at = window.start + offset
    end = min(window.start + window.size, at + MAX_TEXT)
    stop = window.buffer.find(b"\n", at, end)
    return bytes(window.buffer[at : end if stop < 0 else stop]).rstrip(b"\r")


class FunctionBlock:
    """A function with its line and INLINE records. Line records stay text until they are asked for."""

    __slots__ = ("_damaged", "_inlines", "_offset", "_sorted", "_text", "func")

    def __init__(self, window: Window, offset: int, func: Func, damaged: Damaged) -> None:
        self.func = func
        self._damaged = damaged
        at = window.start + offset
        limit = min(window.start + window.size, at + MAX_BLOCK)
        end = _END.search(window.buffer, at, limit)
        text = bytes(window.buffer[at : end.start() if end else limit])
        if not end and limit < window.start + window.size:
            text = text[: text.rfind(b"\n")]
            damaged(offset, f"expected at most {MAX_BLOCK} bytes of lines for a function; more are not looked at")
        self._inlines: list[tuple[int, int, int, int, Inline]] = []
        """(depth, start, end, offset of the record, record)"""
        begin = _next_line(text, 0)
        while text.startswith(b"INLINE ", begin):  # they come before line records as a rule
            after = _next_line(text, begin)
            self._add_inline(text[begin:after], offset + begin)
            begin = after
        self._text = text[begin:].rstrip()
        """The lines that follow, by address if the file is as it should be."""
        self._offset = offset + begin
        self._sorted = False
        if b"\nINLINE " in self._text:
            self._sort_out()
        self._inlines.sort()

    @property
    def cost(self) -> int:
        """About so many bytes of memory."""
        return len(self._text) + 300 * len(self._inlines) + 1000

    def line_at(self, rva: int) -> Line | None:
        """The line record that covers `rva`; where several do, the one that starts last."""
        line = _search(self._text, rva)
        if line is None and not self._sorted:
            # Either no line covers it, or lines out of order or damaged ones have led the search astray.
            self._sort_out()
            self._inlines.sort()
            line = _search(self._text, rva)
        return line

    def inline_at(self, rva: int, depth: int) -> tuple[int, int, Inline] | None:
        """(start, end, record) of the call at `depth` whose inlined code covers `rva`."""
        i = bisect_right(self._inlines, (depth, rva, NONE)) - 1
        if i < 0:
            return None
        found_depth, start, end, _, inline = self._inlines[i]
        return (start, end, inline) if found_depth == depth and rva < end else None

    def _add_inline(self, text: bytes, offset: int) -> None:
        inline = read_inline(text)
        if inline:
            depth = inline.depth
            self._inlines += [(depth, start, start + size, offset, inline) for start, size in inline.ranges]
        else:
            self._damaged(offset, "")

    def _sort_out(self) -> None:
        """Make the text what it should be: line records by address. Take INLINE records out, report the rest."""
        found = list[Line]()
        offset = self._offset
        for text in self._text.split(b"\n"):
            line = read_line(text)
            if line:
                found.append(line)
            elif text.startswith(b"INLINE "):
                self._add_inline(text, offset)
            elif text.strip() and not text.startswith(b"INLINE_ORIGIN "):
                self._damaged(offset, "")
            offset += len(text) + 1
        found.sort(key=itemgetter(0))
        self._text = b"\n".join(b"%x %x %d %d" % line for line in found)
        self._sorted = True


def _next_line(text: bytes, at: int) -> int:
    return text.find(b"\n", at) + 1 or len(text)


def _search(text: bytes, rva: int) -> Line | None:
    """The line record that covers `rva` in a text of records by address."""
    low, high = 0, len(text)  # starts of lines: up to `low` they begin at or before `rva`, from `high` on after it
    while low < high:
        begin = text.rfind(b"\n", low, (low + high) // 2) + 1 or low
        try:
            start = int(text[begin : text.find(b" ", begin)], 16)
        except ValueError:
            return None
        if start > rva:
            high = begin
        else:
            low = _next_line(text, begin)
    for _ in range(_MAX_OVERLAPS):
        if low <= 0:
            break
        end, low = low, text.rfind(b"\n", 0, low - 1) + 1
        line = read_line(text[low:end])
        if line and line.start <= rva < line.start + line.size:
            return line
    return None


class CfiBlock:
    """The rules of a STACK CFI INIT record and what they change to on the way through its range."""

    __slots__ = ("_starts", "_states", "init", "limit")

    def __init__(self, window: Window, offset: int, init: CfiInit, damaged: Damaged) -> None:
        self.init = init
        self.limit = init.start + init.size
        """End of the addresses that the rules are good for."""
        changes = list[CfiChange]()
        at, end = window.start + offset, window.start + window.size
        for _ in range(MAX_CFI_CHANGES):
            at = window.buffer.find(b"\n", at, end) + 1
            text = text_at(window, at - window.start) if at else b""
            if not text.startswith(b"STACK CFI ") or text.startswith(b"STACK CFI INIT "):
                break
            change = read_cfi_change(text)
            if change:
                changes.append(change)
            else:
                damaged(at - window.start, "")
        else:
            # What misses a change is wrong from there on.
            self.limit = max((change.start for change in changes), default=init.start)
            damaged(offset, f"expected at most {MAX_CFI_CHANGES} changes of rules; more are not looked at")
        changes.sort(key=itemgetter(0))
        self._starts = [change.start for change in changes]
        self._states = [init.rules]
        for change in changes:
            rules = {**self._states[-1], **change.rules}
            self._states.append(rules if len(rules) <= MAX_CFI_REGISTERS else self._states[-1])

    @property
    def cost(self) -> int:
        return 1000 * len(self._states)

    def rules_at(self, rva: int) -> Rules | None:
        return self._states[bisect_right(self._starts, rva)] if self.init.start <= rva < self.limit else None
