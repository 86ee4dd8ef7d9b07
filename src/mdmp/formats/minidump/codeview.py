"""The CodeView record of a module: which debug information belongs to it."""

from typing import Annotated, NamedTuple

from mdmp.binary.record import Bytes, Record, u32
from mdmp.errors import FormatError
from mdmp.formats.minidump.text import Texts

RSDS = b"RSDS"
NB10 = b"NB10"
BPEL = b"LEpB"
"""0x4270454C, "BpEL" as a big-endian reader sees it."""
MAX_RECORD = 0x10000


class CV_INFO_PDB70(Record, size=24):
    """PDB 7.0; the debug file's path follows, UTF-8 with a NUL."""

    CvSignature: Annotated[bytes, Bytes(4)]
    Signature: Annotated[bytes, Bytes(16)]
    Age: u32


class CV_INFO_PDB20(Record, size=16):
    """PDB 2.0; the debug file's path follows."""

    CvSignature: Annotated[bytes, Bytes(4)]
    Offset: u32
    Signature: u32
    Age: u32


class CodeView(NamedTuple):
    kind: str
    """`RSDS`, `NB10`, `BpEL`, or the first four bytes of another record in hex."""
    signature: bytes
    """GUID, time stamp (4 bytes) or build id as stored; the whole record where the kind is not known."""
    age: int
    path: str


def read_codeview(texts: Texts, rva: int, size: int) -> CodeView:
    """The record at a location; `FormatError` when it is too short for its kind."""
    raw = texts.take(rva, min(size, MAX_RECORD), "CvRecord")
    kind = raw[:4]
    if kind == RSDS and len(raw) >= 24:
        return CodeView("RSDS", raw[4:20], int.from_bytes(raw[20:24], "little"), _path(raw[24:]))
    if kind == NB10 and len(raw) >= 16:
        return CodeView("NB10", raw[8:12], int.from_bytes(raw[12:16], "little"), _path(raw[16:]))
    if kind in (RSDS, NB10):
        raise FormatError("CvRecord", f"expected at least {24 if kind == RSDS else 16} bytes; found {len(raw)}", rva)
    if kind == BPEL:
        return CodeView("BpEL", raw[4:], 0, "")
    return CodeView(kind.hex(), raw, 0, "")


def _path(raw: bytes) -> str:
    """Linkers write UTF-8; old ones the system's code page, of which only ASCII is sure."""
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def pack_codeview(codeview: CodeView) -> bytes:
    """The record as `read_codeview` takes it; the path ends with a NUL."""
    path = codeview.path.encode("utf-8", "replace")[: MAX_RECORD - 32] + b"\0"
    if codeview.kind == "RSDS":
        signature = codeview.signature[:16].ljust(16, b"\0")
        return CV_INFO_PDB70.new(CvSignature=RSDS, Signature=signature, Age=codeview.age).pack() + path
    if codeview.kind == "NB10":
        stamp = int.from_bytes(codeview.signature[:4], "little")
        return CV_INFO_PDB20.new(CvSignature=NB10, Signature=stamp, Age=codeview.age).pack() + path
    return BPEL + codeview.signature if codeview.kind == "BpEL" else codeview.signature
