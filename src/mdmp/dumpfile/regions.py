"""MemoryInfoList or Linux maps <-> `Region`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.binary.lazy import LazySequence
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table
from mdmp.snapshot import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.formats.minidump.streams.memory_info_list import MINIDUMP_MEMORY_INFO

_STATES = {0x1000: "commit", 0x2000: "reserve", 0x10000: "free"}
_KINDS = {0x20000: "private", 0x40000: "mapped", 0x1000000: "image"}
_PERMISSIONS = {
    0x01: "---",
    0x02: "r--",
    0x04: "rw-",
    0x08: "rw-",  # copy on write
    0x10: "--x",
    0x20: "r-x",
    0x40: "rwx",
    0x80: "rwx",
}
"""PAGE_* access bits; the higher bits only modify them."""
_GUARD = 0x100
MAX_MAPS_LINES = 1 << 20


def load_regions(dump: Minidump) -> Sequence[Region] | None:
    """The memory map. Linux's own text is preferred: it has names and every permission."""
    maps: bytes | None = dump.stream(table.LINUX_MAPS)
    if maps:
        regions = parse_maps(maps)
        if regions:
            return regions
    infos: RecordList[MINIDUMP_MEMORY_INFO] | None = dump.stream(table.MEMORY_INFO_LIST)
    if infos is None:
        return None
    return LazySequence(len(infos), lambda: _regions(infos))


def _regions(infos: RecordList[MINIDUMP_MEMORY_INFO]) -> tuple[Region, ...]:
    return tuple(
        Region(
            base,
            size,
            _STATES.get(state, "commit"),
            _PERMISSIONS.get(protect & 0xFF, "" if state == 0x1000 else "---"),
            bool(protect & _GUARD),
            _KINDS.get(kind),
            None,
            protect,
            allocation,
            allocation_protect,
        )
        for base, allocation, allocation_protect, _, size, state, protect, kind, _ in infos.tuples()
    )


def parse_maps(text: bytes) -> tuple[Region, ...]:
    """/proc/PID/maps; lines that are none are left out."""
    regions = []
    for line in text.splitlines()[:MAX_MAPS_LINES]:
        fields = line.split(None, 5)
        if len(fields) < 5 or b"-" not in fields[0] or len(fields[1]) != 4:
            continue
        low, _, high = fields[0].partition(b"-")
        try:
            start, end = int(low, 16), int(high, 16)
        except ValueError:
            continue
        if not 0 <= start < end <= 1 << 64:
            continue
        name = fields[5].decode("utf-8", "replace") if len(fields) > 5 else None
        kind = "mapped" if name and name.startswith("/") else "private"
        permissions = fields[1][:3].decode("ascii", "replace")
        regions.append(Region(start, end - start, "commit", permissions, False, kind, name))
    return tuple(regions)
