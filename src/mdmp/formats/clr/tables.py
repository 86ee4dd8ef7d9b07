"""The stream of tables (II.24.2.6): how wide every column is depends on the row counts of other tables."""

from collections.abc import Mapping

from mdmp.binary.record import Record, u8, u32, u64
from mdmp.binary.window import Window
from mdmp.errors import FormatError
from mdmp.formats.clr.schema import CODED, NUMBERS, TABLES

MAX_ROWS = 0xFFFFFF
"""A token has 24 bits for a row."""


class TablesHeader(Record, size=24):
    Reserved: u32
    MajorVersion: u8
    MinorVersion: u8
    HeapSizes: u8
    Reserved2: u8
    Valid: u64
    Sorted: u64


class Table:
    """One table; rows are counted from 1, as the format does. Cells are read when asked for."""

    __slots__ = ("_columns", "_stride", "_window", "count")

    def __init__(self, window: Window, count: int, stride: int, columns: dict[str, tuple[int, int]]) -> None:
        self.count = count
        self._window = window
        self._stride = stride
        self._columns = columns

    def cell(self, row: int, column: str) -> int:
        """Raises `FormatError` for a row that the table does not have."""
        offset, width = self._columns[column]
        window = self._window
        at = window.check((row - 1) * self._stride + offset, width, column)
        return int.from_bytes(window.buffer[at : at + width], "little")

    def last_not_above(self, column: str, value: int) -> int:
        """The last row whose cell is <= `value` in a table sorted by that column; 0 when none is."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high + 1) // 2
            if self.cell(middle, column) <= value:
                low = middle
            else:
                high = middle - 1
        return low

    def find(self, column: str, value: int) -> int:
        """The last row whose cell is `value` in a table sorted by that column; 0 when none is."""
        row = self.last_not_above(column, value)
        return row if row and self.cell(row, column) == value else 0


class Tables:
    """The tables of one metadata root. `outside`: row counts of tables that are not here but referred to."""

    def __init__(self, stream: Window, outside: Mapping[int, int] | None = None) -> None:
        """Raises `FormatError` when the tables do not fit into the stream."""
        header = TablesHeader.read(stream)
        self._heap_sizes: int = header.HeapSizes
        at = header.SIZE
        counts: dict[int, int] = {}
        for number in range(64):
            if header.Valid >> number & 1:
                counts[number] = stream.u32(at, "Rows")
                at += 4
        if header.HeapSizes & 0x40:  # seen in edit-and-continue images only
            at += 4
        self._rows = {**(outside or {}), **counts}
        self._tables: dict[int, Table] = {}
        for number, count in counts.items():
            text = TABLES.get(number)
            if text is None or count > MAX_ROWS:
                problem = f"expected a known table of at most {MAX_ROWS:#x} rows; found {count:#x}"
                raise FormatError(f"{stream.name}.table {number:#x}", problem, stream.start)
            name, *columns = text.split()
            placed: dict[str, tuple[int, int]] = {}
            stride = 0
            for column in columns:
                title, _, kind = column.partition(":")
                width = self._width(kind)
                placed[title] = stride, width
                stride += width
            self._tables[number] = Table(stream.sub(at, count * stride, name), count, stride, placed)
            at += count * stride

    def __getitem__(self, name: str) -> Table:
        """A table; an empty one when the metadata has none of that name."""
        return self._tables.get(NUMBERS[name]) or _EMPTY

    def _width(self, kind: str) -> int:
        if kind.isdecimal():
            return int(kind)
        if kind in ("S", "G", "B"):
            return 4 if self._heap_sizes & {"S": 1, "G": 2, "B": 4}[kind] else 2
        bits, names = CODED.get(kind, (0, kind))
        return 4 if any(self._rows.get(NUMBERS[name], 0) >= 1 << 16 - bits for name in names.split()) else 2


_EMPTY = Table(Window(b"", "no table"), 0, 0, {})
