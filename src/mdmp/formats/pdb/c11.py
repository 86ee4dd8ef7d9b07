"""Line tables as compilers before Visual C++ 2005 wrote them ("C11"): one table a module, by file and segment.

Layout: OMFSourceModule, OMFSourceFile, OMFSourceLine in cvexefmt.h; file names end with a NUL in PDB 7.0.
"""

from bisect import bisect_right
from struct import Struct, unpack_from

from mdmp.formats.pdb.extents import ExtentTable

_COUNTS = Struct("<HH")


def read_old_lines(data: bytes, found: ExtentTable) -> list[str]:
    """Collect where the lines of each stretch of code are; returns the paths of the files.

    In an extent `kind` is the number of its file, `position` that of its line table, in `data`.
    """
    files: list[str] = []
    if len(data) < 4:
        return files
    file_count, _ = _COUNTS.unpack_from(data)
    for at in unpack_from(f"<{min(file_count, (len(data) - 4) // 4)}I", data, 4):
        if at + 4 > len(data) or len(found.new) > len(data):
            break
        segments, _ = _COUNTS.unpack_from(data, at)
        name_at = at + 4 + 12 * segments
        if name_at > len(data):
            break
        name_end = data.find(0, name_at)
        tables = unpack_from(f"<{segments}I", data, at + 4)
        ranges = unpack_from(f"<{2 * segments}I", data, at + 4 + 4 * segments)
        for i, table in enumerate(tables):
            if table + 4 > len(data) or ranges[2 * i + 1] < ranges[2 * i]:
                continue
            section, count = _COUNTS.unpack_from(data, table)
            size = min(ranges[2 * i + 1] - ranges[2 * i] + 1, 0xFFFFFFFF)
            end = min(table + 4 + 6 * count, len(data))
            found.new.append((section << 32 | ranges[2 * i], size, len(files) & 0xFFFF, table, end))
        files.append(data[name_at : name_end if name_end >= 0 else None].decode("utf-8", "replace"))
    return files


def find_old_line(data: bytes, table: int, offset: int) -> int | None:
    """The line of the code at `offset` of the section, from the line table at a position of `data`."""
    _, count = _COUNTS.unpack_from(data, table)
    count = min(count, (len(data) - table - 4) // 6)
    offsets = unpack_from(f"<{count}I", data, table + 4)
    i = bisect_right(offsets, offset) - 1
    return int(unpack_from("<H", data, table + 4 + 4 * count + 2 * i)[0]) if i >= 0 else None
