"""PT_LOAD and NT_FILE -> `Region`: the memory map."""

from mdmp.binary.ranges import RangeMap
from mdmp.formats.elf.core_notes import CoreNotes
from mdmp.formats.elf.core_structs import AT_EXECFN, AT_RANDOM, AT_SYSINFO_EHDR
from mdmp.formats.elf.elf import Elf
from mdmp.formats.elf.structs import PT_LOAD
from mdmp.snapshot import Region

_LETTERS = ((4, "r"), (2, "w"), (1, "x"))


def load_regions(core: Elf, notes: CoreNotes) -> tuple[Region, ...]:
    """In the order of addresses. A mapped file without a segment is a region whose permissions are not known."""
    labels = {
        notes.auxv.get(AT_SYSINFO_EHDR): "[vdso]",
        notes.auxv.get(AT_EXECFN): "[stack]",
        notes.auxv.get(AT_RANDOM): "[stack]",
    }
    files = RangeMap((file.start, file.end, file.path) for file in notes.files or ())
    regions = []
    for segment in core.segments:
        if segment.type != PT_LOAD or not segment.memory_size:
            continue
        start, end = segment.address, segment.address + segment.memory_size
        path = files.get(start)
        label = next((label for at, label in labels.items() if at is not None and start <= at < end), None)
        letters = "".join(letter if segment.flags & bit else "-" for bit, letter in _LETTERS)
        kind = "mapped" if path else "private"
        regions.append(Region(start, end - start, "commit", letters, False, kind, path or label))
    known = RangeMap((region.start, region.end, None) for region in regions)
    regions += (
        Region(file.start, file.end - file.start, "commit", "", False, "mapped", file.path)
        for file in notes.files or ()
        if known.find(file.start) is None
    )
    return tuple(sorted(regions, key=lambda region: region.start))
