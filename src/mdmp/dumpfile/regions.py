"""MemoryInfoList or Linux maps <-> `Region`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.binary.lazy import LazySequence
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.lists import RecordList
from mdmp.formats.minidump.streams import table
from mdmp.formats.minidump.writer import Layout
from mdmp.formats.proc.maps import Mapping, parse_maps
from mdmp.platforms.memory_protection import PAGE_GUARD, STATES, TYPES, permissions
from mdmp.snapshot import Region, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdmp.formats.minidump.streams.memory_info_list import MINIDUMP_MEMORY_INFO

_COMMIT = 0x1000


def load_regions(dump: Minidump) -> Sequence[Region] | None:
    """The memory map. Linux's own text is preferred: it has names and every permission."""
    maps: bytes | None = dump.stream(table.LINUX_MAPS)
    if maps:
        regions = tuple(map(_region, parse_maps(maps)))
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
            STATES.get(state, "commit"),
            permissions(protect) or ("" if state == _COMMIT else "---"),
            bool(protect & PAGE_GUARD),
            TYPES.get(kind),
            None,
            protect,
            allocation,
            allocation_protect,
        )
        for base, allocation, allocation_protect, _, size, state, protect, kind, _ in infos.tuples()
    )


def _region(mapping: Mapping) -> Region:
    kind = "mapped" if mapping.path.startswith("/") else "private"
    start, permissions, name = mapping.start, mapping.permissions, mapping.path or None
    return Region(start, mapping.size, "commit", permissions, False, kind, name)


_PROTECTIONS = {"": 0, "---": 1, "r--": 2, "rw-": 4, "-w-": 4, "--x": 0x10, "r-x": 0x20, "rwx": 0x40, "-wx": 0x40}
"""The plainest PAGE_* that means the same."""
_NUMBERS = {name: number for number, name in STATES.items()}
_KIND_NUMBERS = {name: number for number, name in TYPES.items()}


def save_regions(snapshot: Snapshot, out: Layout) -> None:
    """A MemoryInfoList for every system; on Linux the text of the kernel as well, made anew where it was not kept."""
    if snapshot.regions is None:
        return
    from mdmp.formats.minidump.streams import memory_info_list as wire

    whole = (1 << 64) - 1
    records = [
        wire.MINIDUMP_MEMORY_INFO.new(
            BaseAddress=region.start & whole,
            AllocationBase=(region.start if region.allocation_base is None else region.allocation_base) & whole,
            AllocationProtect=_protection(region)
            if region.allocation_protection is None
            else region.allocation_protection,
            RegionSize=region.size & whole,
            State=_NUMBERS.get(region.state, _COMMIT),
            Protect=_protection(region),
            Type=_KIND_NUMBERS.get(region.kind or "", 0),
        )
        for region in snapshot.regions
    ]
    out.stream(table.MEMORY_INFO_LIST, wire.encode(records))
    if snapshot.system.os in ("linux", "android") and "maps" not in snapshot.annotations.texts:
        out.stream(table.LINUX_MAPS, b"".join(map(_maps_line, snapshot.regions)))


def _protection(region: Region) -> int:
    if region.windows_protection is not None:
        return region.windows_protection
    return _PROTECTIONS.get(region.protection, 1) | (PAGE_GUARD if region.guard else 0)


def _maps_line(region: Region) -> bytes:
    """As in /proc/PID/maps; offset, device and inode are not known."""
    permissions = (region.protection or "---") + "p"
    name = (region.name or "").replace("\n", "\\012").encode("utf-8", "replace")
    return b"%x-%x %s 00000000 00:00 0 %s\n" % (region.start, region.end, permissions.encode(), name)
