"""Sequence points: which IL offsets belong to which lines (portable PDB specification, "Sequence Points Blob")."""

from collections.abc import Iterator
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.clr.root import signed, unsigned

MAX_BLOB = 1 << 21
"""Bytes for one method; a thousand times what long methods take."""


class SequencePoint(NamedTuple):
    """From `offset` on, up to the next point. A hidden one has line 0."""

    offset: int
    document: int
    """Row of the Document table."""
    line: int
    column: int
    end_line: int
    end_column: int


def sequence_points(blob: Window, document: int) -> Iterator[SequencePoint]:
    """The points in order; `document` is that of the method, 0 when the blob names it. Raises `FormatError`."""
    if not blob.size:
        return
    if blob.size > MAX_BLOB:
        raise FormatError(
            "MethodDebugInformation.SequencePoints", f"expected at most {MAX_BLOB:#x} bytes; found {blob.size:#x}"
        )
    _, at = unsigned(blob, 0)  # signature of the locals
    if not document:
        document, at = unsigned(blob, at)
    offset = line = column = 0
    first, placed = True, False
    end = blob.size
    while at < end:
        delta, at = unsigned(blob, at)
        if delta == 0 and not first:
            document, at = unsigned(blob, at)
            continue
        offset += delta
        first = False
        lines, at = unsigned(blob, at)
        columns, at = signed(blob, at) if lines else unsigned(blob, at)
        if lines == 0 and columns == 0:
            yield SequencePoint(offset, document, 0, 0, 0, 0)
            continue
        read = signed if placed else unsigned
        by_lines, at = read(blob, at)
        by_columns, at = read(blob, at)
        line, column, placed = line + by_lines, column + by_columns, True
        yield SequencePoint(offset, document, line, column, line + lines, column + columns)
