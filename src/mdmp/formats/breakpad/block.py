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

_END = re.compile(rb"\n(?:FUNC|PUBLIC|STACK|FILE|MODULE|INFO) ")

Damaged = Callable[[int, str], None]
"""Told the offset of a record that is given up, and why; "" where it breaks its form."""


def text_at(window: Window, offset: int) -> bytes:
    """The line that starts at `offset`, without its line end; at most `MAX_TEXT` bytes of it."""
    at = window.start + offset
    end = min(window.start + window.size, at + MAX_TEXT)
    stop = window.buffer.find(b"\n", at, end)
    return bytes(window.buffer[at : end if stop < 0 else stop]).rstrip(b"\r")


class FunctionBlock:
    """A function with its line and INLINE records, which stay text until they are asked for."""

    __slots__ = ("_damaged", "_inlines", "_lines", "_offset", "_starts", "_window", "func")

    def __init__(self, window: Window, offset: int, func: Func, damaged: Damaged) -> None:
        self.func = func
        self._window = window
        self._damaged = damaged
        at = window.start + offset
        limit = min(window.start + window.size, at + MAX_BLOCK)
        end = _END.search(window.buffer, at, limit)
        head, *lines = bytes(window.buffer[at : end.start() if end else limit]).split(b"\n")
        if not end and limit < window.start + window.size:
            del lines[-1:]
            damaged(offset, f"expected at most {MAX_BLOCK} bytes of lines for a function; more are not looked at")
        offset += len(head) + 1
        self._inlines: list[tuple[int, int, int, int, Inline]] = []
        """(depth, start, end, offset of the record, record)"""
        first = 0  # INLINE records come before line records as a rule
        while first < len(lines) and lines[first].startswith(b"INLINE "):
            self._add_inline(lines[first], offset)
            offset += len(lines[first]) + 1
            first += 1
        lines = lines[first:]
        while lines and not lines[-1].strip():
            lines.pop()
        self._lines, self._offset = lines, offset
        self._starts: list[int] | None = None
        if not _in_text_order(lines):
            self._sort_out()
        self._inlines.sort()

    @property
    def cost(self) -> int:
        return len(self._lines) + len(self._inlines) + 8

    def line_at(self, rva: int) -> Line | None:
        """The line record that covers `rva`; where several do, the one that starts last."""
        if self._starts is not None:
            last = bisect_right(self._starts, rva) - 1
        elif self._lines and rva >> 4 * (width := self._lines[0].find(b" ")) == 0:
            last = bisect_right(self._lines, b"%0*x~" % (width, rva)) - 1
        else:
            last = len(self._lines) - 1
        for i in range(last, max(last - _MAX_OVERLAPS, -1), -1):
            line = read_line(self._lines[i])
            if not line:
                self._damaged(self._offset + sum(len(text) + 1 for text in self._lines[:i]), "")
            elif line.start <= rva < line.start + line.size:
                return line
        return None

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
        """Keep the line records, by address; take INLINE records out, and report what is neither."""
        found = list[tuple[int, bytes]]()
        offset = self._offset
        for text in self._lines:
            line = read_line(text)
            if line:
                found.append((line.start, text))
            elif text.startswith(b"INLINE "):
                self._add_inline(text, offset)
            elif text.strip() and not text.startswith(b"INLINE_ORIGIN "):
                self._damaged(offset, "")
            offset += len(text) + 1
        found.sort(key=itemgetter(0))
        self._starts = [start for start, _ in found]
        self._lines = [text for _, text in found]


def _in_text_order(lines: list[bytes]) -> bool:
    """Whether the texts of line records are in the order of their addresses: then no number need be read.

    So it is in nearly all files: addresses rise, in hexadecimal lower-case digits, as many in all lines.
    """
    if not lines:
        return True
    first, last = lines[0], lines[-1]
    if first[:1] < b"0" or last[:1] > b"f" or not 0 < first.find(b" ") == last.find(b" "):
        return False
    text = b"\n".join(lines)
    return text == text.lower() and lines == sorted(lines)


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
        return 8 * len(self._states)

    def rules_at(self, rva: int) -> Rules | None:
        return self._states[bisect_right(self._starts, rva)] if self.init.start <= rva < self.limit else None
