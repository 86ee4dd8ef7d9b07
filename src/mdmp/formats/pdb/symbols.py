"""CodeView symbol records of a compiland: which procedures, thunks and pieces of code it has.

The functions here walk raw bytes. Positions are offsets in the module's stream, as the records' own `pEnd` are.
Layout: the record structures in cvinfo.h (microsoft/microsoft-pdb); LLVM's docs/PDB/CodeViewSymbols.rst.
"""

from struct import Struct
from typing import NamedTuple

S_COMPILE2, S_COMPILE3, S_OBJNAME = 0x1116, 0x113C, 0x1101
S_END, S_INLINESITE_END, S_PROC_ID_END = 0x0006, 0x114E, 0x114F
S_THUNK32, S_BLOCK32, S_LABEL32, S_WITH32 = 0x1102, 0x1103, 0x1105, 0x1104
S_LPROC32, S_GPROC32 = 0x110F, 0x1110
S_TRAMPOLINE, S_SEPCODE = 0x112C, 0x1132
S_INLINESITE, S_INLINESITE2 = 0x114D, 0x115D
S_LPROC32_ST, S_GPROC32_ST, S_THUNK32_ST = 0x100A, 0x100B, 0x0206

PROCEDURES = frozenset(
    (
        *(S_LPROC32, S_GPROC32, 0x1146, 0x1147, 0x1155, 0x1156),  # plain, _ID, _DPC, _DPC_ID
        *(0x112A, 0x112B),  # S_GMANPROC, S_LMANPROC: the same fields as far as they are read here
        *(S_LPROC32_ST, S_GPROC32_ST),
    )
)
SCOPE_ENDS = frozenset((S_END, S_INLINESITE_END, S_PROC_ID_END))
SCOPES = PROCEDURES | {S_THUNK32, S_BLOCK32, S_WITH32, S_SEPCODE, S_INLINESITE, S_INLINESITE2}
_TOP_KINDS = PROCEDURES | {S_THUNK32, S_SEPCODE, S_TRAMPOLINE, S_LABEL32}

_HEAD = Struct("<HH")
_PROC = Struct("<4xI4xI12xIH")  # parent, END, next, LENGTH, debug start, debug end, type, OFFSET, SECTION
_THUNK = Struct("<4xI4xIHH")  # parent, END, next, OFFSET, SECTION, LENGTH
_SEPCODE = Struct("<4xII4xIIHH")  # parent, END, LENGTH, flags, OFFSET, PARENT OFFSET, SECTION, PARENT SECTION
_TRAMPOLINE = Struct("<HHIIHH")
_LABEL = Struct("<IH")
_PROC_NAME, _THUNK_NAME, _LABEL_NAME = 39, 25, 11  # where names start, counted from the record's length field
_FIXED = {S_THUNK32: 25, S_SEPCODE: 32, S_TRAMPOLINE: 20, S_LABEL32: 11}

MAX_BODY = 1 << 22
"""How many bytes of one procedure's records are looked at; the longest seen take a few hundred kilobytes."""


class Scope(NamedTuple):
    """A record that gives a stretch of code its name, not yet decoded further."""

    section: int
    offset: int
    size: int
    kind: int
    position: int
    end: int
    """Where its records end (0 when the record does not say so credibly)."""


def scan_scopes(data: bytes, base: int, limit: int, found: list[Scope]) -> int:
    """Collect procedures, thunks, separated code, trampolines and labels of a stretch of records.

    `data` starts at position `base`, records end at `limit`. Returns the position of the next record that is not in
    `data` as a whole (`base` when there is none such: the records are damaged). Inner records of procedures are
    stepped over with `pEnd`.
    """
    at, size = 0, len(data)
    while at + 4 <= size:
        length, kind = _HEAD.unpack_from(data, at)
        following = at + 2 + length
        if length < 2 or base + following > limit:
            return limit
        if kind not in _TOP_KINDS:
            at = following
            continue
        fixed = _FIXED.get(kind, 39)
        if length + 2 < fixed:
            at = following
            continue
        if at + fixed > size:
            break
        end = 0
        if kind == S_THUNK32:
            end, offset, section, count = _THUNK.unpack_from(data, at + 4)
        elif kind == S_SEPCODE:
            end, count, offset, _, section, _ = _SEPCODE.unpack_from(data, at + 4)
        elif kind == S_TRAMPOLINE:
            _, count, offset, _, section, _ = _TRAMPOLINE.unpack_from(data, at + 4)
        elif kind == S_LABEL32:
            offset, section = _LABEL.unpack_from(data, at + 4)
            count = 0
        else:
            end, count, offset, section = _PROC.unpack_from(data, at + 4)
        if not base + following <= end < limit:
            end = 0
        found.append(Scope(section, offset, count, kind, base + at, end))
        at = end - base if end else following
    return base + at


def record_name(record: bytes, kind: int) -> str:
    """The name of a procedure, thunk or label record (from its length field on)."""
    start = _THUNK_NAME if kind == S_THUNK32 else _LABEL_NAME if kind == S_LABEL32 else _PROC_NAME
    if kind in (S_LPROC32_ST, S_GPROC32_ST):
        name = record[start + 1 : start + 1 + record[start]] if len(record) > start else b""
    else:
        end = record.find(0, start)
        name = record[start : end if end >= 0 else None]
    return name.decode("utf-8", "replace")


def separated_parent(record: bytes) -> tuple[int, int]:
    """(section, offset) of the procedure that a S_SEPCODE record belongs to."""
    _, _, _, offset, _, section = _SEPCODE.unpack_from(record, 4)
    return section, offset


def trampoline_target(record: bytes) -> tuple[int, int]:
    """(section, offset) that an S_TRAMPOLINE record jumps to."""
    _, _, _, target, _, section = _TRAMPOLINE.unpack_from(record, 4)
    return section, target
