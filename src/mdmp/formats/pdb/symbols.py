"""CodeView symbol records of a compiland: which procedures, thunks and pieces of code it has.

The functions here walk raw bytes. Positions are offsets in the module's stream, as the records' own `pEnd` are.
Layout: the record structures in cvinfo.h (microsoft/microsoft-pdb); LLVM's docs/PDB/CodeViewSymbols.rst.
"""

from struct import Struct

from mdmp.formats.pdb.extents import ExtentTable

S_INLINESITE_END = 0x114E
S_THUNK32, S_LABEL32 = 0x1102, 0x1105
S_LPROC32, S_GPROC32 = 0x110F, 0x1110
S_TRAMPOLINE, S_SEPCODE = 0x112C, 0x1132
S_INLINESITE, S_INLINESITE2 = 0x114D, 0x115D
S_LPROC32_ST, S_GPROC32_ST = 0x100A, 0x100B

PROCEDURES = frozenset(
    (
        *(S_LPROC32, S_GPROC32, 0x1146, 0x1147, 0x1155, 0x1156),  # plain, _ID, _DPC, _DPC_ID
        *(0x112A, 0x112B),  # S_GMANPROC, S_LMANPROC: the same fields as far as they are read here
        *(S_LPROC32_ST, S_GPROC32_ST),
    )
)

NAMED = PROCEDURES | {S_THUNK32, S_LABEL32}

_HEAD = Struct("<HH")
_LABEL = Struct("<IH")  # OFFSET, SECTION
_PROC = Struct("<4xI4xI12xIH")  # parent, END, next, LENGTH, debug start, debug end, type, OFFSET, SECTION
_THUNK = Struct("<4xI4xIHH")  # parent, END, next, OFFSET, SECTION, LENGTH
_SEPCODE = Struct("<4xII4xIIHH")  # parent, END, LENGTH, flags, OFFSET, PARENT OFFSET, SECTION, PARENT SECTION
_TRAMPOLINE = Struct("<HHIIHH")
# How long the fixed part is, from the length field on; the name comes after it.
_PROC_FIXED = 39
_FIXED = {**dict.fromkeys(PROCEDURES, _PROC_FIXED), S_THUNK32: 25, S_SEPCODE: 32, S_TRAMPOLINE: 20, S_LABEL32: 11}

MAX_BODY = 1 << 22
"""How many bytes of one procedure's records are looked at; the longest seen take a few hundred kilobytes."""


def scan_scopes(data: bytes, base: int, limit: int, scopes: ExtentTable, labels: ExtentTable) -> int:
    """Collect procedures, thunks, separated code and trampolines of a stretch of records, and labels outside of them.

    `data` starts at position `base`, records end at `limit`. Returns the position of the next record that is not in
    `data` as a whole (`base` when there is none such: the records are damaged). The records in a procedure are stepped
    over with its `pEnd`. An extent's `end` is 0 when the record gives none that can be right.
    """
    at, size = 0, len(data)
    head, procedure, fixed_size = _HEAD.unpack_from, _PROC.unpack_from, _FIXED.get
    while at + 4 <= size:
        length, kind = head(data, at)
        following = at + 2 + length
        if length < 2 or base + following > limit:
            return limit
        fixed = fixed_size(kind)
        if fixed is None or length + 2 < fixed:
            at = following
            continue
        if at + fixed > size:
            break
        end = 0
        if fixed == _PROC_FIXED:
            end, count, offset, section = procedure(data, at + 4)
        elif kind == S_THUNK32:
            end, offset, section, count = _THUNK.unpack_from(data, at + 4)
        elif kind == S_SEPCODE:
            end, count, offset, _, section, _ = _SEPCODE.unpack_from(data, at + 4)
        elif kind == S_TRAMPOLINE:
            _, count, offset, _, section, _ = _TRAMPOLINE.unpack_from(data, at + 4)
        else:
            offset, section = _LABEL.unpack_from(data, at + 4)
            labels.new.append((section << 32 | offset, 0, kind, base + at, 0))
            at = following
            continue
        if not base + following <= end < limit:
            end = 0
        scopes.new.append((section << 32 | offset, count, kind, base + at, end))
        at = end - base if end else following
    return base + at


def record_name(record: bytes, kind: int) -> str:
    """The name of a procedure, thunk or label record (from its length field on)."""
    start = _FIXED[kind]
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
