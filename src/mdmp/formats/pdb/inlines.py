"""Calls that were inlined: S_INLINESITE records and the line programs in them ("binary annotations").

A program is a row of (operation, operand) pairs that move a code offset, a line and a file; each move of the offset
starts a record that holds up to its length or to the next one. Numbers take 1, 2 or 4 bytes.
Layout: cvinfo.h in microsoft/microsoft-pdb (BinaryAnnotationOpcode, CVUncompressData).
"""

from struct import Struct
from typing import NamedTuple

from mdmp.formats.pdb.symbols import PROCEDURES, S_INLINESITE, S_INLINESITE2, S_INLINESITE_END

_HEAD = Struct("<HH")
_SITE = Struct("<4xII")
_SITE_FIXED = {S_INLINESITE: 16, S_INLINESITE2: 20}
_OF_INTEREST = PROCEDURES | {S_INLINESITE, S_INLINESITE2, S_INLINESITE_END}

CODE_OFFSET, CODE_OFFSET_BASE, CHANGE_OFFSET, CHANGE_LENGTH, CHANGE_FILE, CHANGE_LINE = 1, 2, 3, 4, 5, 6
OFFSET_AND_LINE, LENGTH_AND_OFFSET, LAST_OPERATION = 11, 12, 13
MAX_SITES = 128
"""How many inlined calls one address may lie in; compilers stop far earlier."""


class Inlined(NamedTuple):
    """An inlined call: its line counts from the callee's first one, a `file` of None is the callee's own."""

    inlinee: int
    line_delta: int
    file: int | None


def find_inlined(records: bytes, base: int, offset: int) -> list[Inlined]:
    """The inlined calls that code at `offset` of a procedure lies in, outermost first.

    `records` are the procedure's records, its own one first, `base` is their position in the stream. Ranges of a call
    lie within those of the call around it.
    """
    found: list[Inlined] = []
    at, size = 0, len(records)
    unpack = _HEAD.unpack_from
    while at + 4 <= size:
        length, kind = unpack(records, at)
        following = at + 2 + length
        if length < 2:
            break
        if kind not in _OF_INTEREST:
            at = following
            continue
        if following > size or len(found) >= MAX_SITES:
            break
        fixed = _SITE_FIXED.get(kind)
        if fixed and length + 2 >= fixed:
            end, inlinee = _SITE.unpack_from(records, at + 4)
            hit = run_program(records, at + fixed, following, offset)
            if hit:
                found.append(Inlined(inlinee, hit[0], hit[1]))
            elif following <= end - base < size:
                following = end - base + 4  # behind its S_INLINESITE_END
        elif (kind == S_INLINESITE_END and found) or (kind in PROCEDURES and at):
            break
        at = following
    return found


def run_program(data: bytes, at: int, end: int, target: int) -> tuple[int, int | None] | None:
    """(line delta, file) that a line program gives for the code offset `target`; None when it does not cover it."""
    offset = line = 0
    file: int | None = None
    is_open = False
    start, start_line, start_file = 0, 0, file
    while at < end:
        operation = data[at]
        at += 1
        # All known operations take one byte; anything else ends the program.
        if not operation or operation > LAST_OPERATION:
            break
        value, at = _number(data, at, end)
        if value < 0:
            break
        length = -1
        if operation == CHANGE_LINE:
            line += -(value >> 1) if value & 1 else value >> 1
            continue
        if operation == OFFSET_AND_LINE:
            moved = offset + (value & 15)
            value >>= 4
            line += -(value >> 1) if value & 1 else value >> 1
        elif operation == CHANGE_OFFSET:
            moved = offset + value
        elif operation == CHANGE_LENGTH:
            if is_open and start <= target < start + value:
                return start_line, start_file
            is_open = False
            offset += value
            continue
        elif operation == LENGTH_AND_OFFSET:
            length = value
            value, at = _number(data, at, end)
            if value < 0:
                break
            moved = offset + value
        else:
            if operation == CHANGE_FILE:
                file = value
            elif operation == CODE_OFFSET:
                offset = value
            elif operation == CODE_OFFSET_BASE and value:
                break  # from here on the offsets count in a separated piece of the procedure
            continue
        if is_open and start <= target < moved:
            return start_line, start_file
        offset = moved
        start, start_line, start_file = moved, line, file
        is_open = length < 0
        if length > 0 and start <= target < start + length:
            return line, file
    return None


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A compressed number and the position after it; -1 when it is cut or malformed."""
    if at >= end:
        return -1, at
    first = data[at]
    if first < 0x80:
        return first, at + 1
    if first < 0xC0 and at + 2 <= end:
        return (first & 0x3F) << 8 | data[at + 1], at + 2
    if first < 0xE0 and at + 4 <= end:
        return (first & 0x1F) << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3], at + 4
    return -1, at
