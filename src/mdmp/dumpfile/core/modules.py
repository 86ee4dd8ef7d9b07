"""NT_FILE, the dynamic linker's list and the auxiliary vector -> `Module`."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from mdmp.binary.ranges import RangeMap
from mdmp.dumpfile.core.images import PAGE, end_of, image_at
from mdmp.dumpfile.core.link_map import load_link_map
from mdmp.errors import IssueLog
from mdmp.formats.elf.core_notes import CoreNotes, MappedFile
from mdmp.formats.elf.core_structs import AT_BASE, AT_EXECFN, AT_PHDR, AT_SYSINFO_EHDR
from mdmp.snapshot import DebugId, MemoryReader, Module, Region

LINUX_GATE = "linux-gate.so"
"""What Breakpad calls the image that the kernel maps into each process."""
MAX_MODULES = 4096
_DELETED = " (deleted)"
_ANDROID = ("/system/bin/", "/apex/com.android.")


class Place(NamedTuple):
    base: int
    end: int
    path: str


def load_modules(
    notes: CoreNotes, memory: MemoryReader, regions: Sequence[Region], word: int, issues: IssueLog
) -> tuple[Module, ...]:
    """The program first, then by address. Build ids come from the headers, where the core keeps them."""
    known = _unlisted(notes, memory, regions, word) if notes.files is None else _listed(notes.files, memory, regions)
    places = [*known, *_gate(notes.auxv.get(AT_SYSINFO_EHDR, 0), memory, regions)]
    program = notes.auxv.get(AT_PHDR, 0)
    places.sort(key=lambda place: (not place.base <= program < place.end, place.base))
    if len(places) > MAX_MODULES:
        issues.add("modules", f"only the first {MAX_MODULES} of {len(places)} are listed")
    os = "android" if any(place.path.startswith(_ANDROID) for place in places) else "linux"
    return tuple(_module(place, memory, os) for place in places[:MAX_MODULES])


def _gate(base: int, memory: MemoryReader, regions: Sequence[Region]) -> Iterator[Place]:
    image = image_at(memory, base)
    region = next((region for region in regions if base and region.start <= base < region.end), None)
    if image or region:
        yield Place(base, end_of(image) if image else region.end if region else base, LINUX_GATE)


def _module(place: Place, memory: MemoryReader, os: str) -> Module:
    image = image_at(memory, place.base)
    build_id = image.build_id if image else None
    debug = DebugId("elf", build_id, 0, "") if build_id else None
    return Module(place.base, place.end - place.base, place.path.removesuffix(_DELETED), debug=debug, os=os)


def _listed(files: Iterable[MappedFile], memory: MemoryReader, regions: Sequence[Region]) -> Iterator[Place]:
    """The images among the mapped files: their headers tell how far they reach, and a part of them is executable."""
    code = RangeMap((region.start, region.end, None) for region in regions if "x" in region.protection)
    unknown = RangeMap((region.start, region.end, None) for region in regions if not region.protection)
    ordered = sorted(files)[: 16 * MAX_MODULES]
    at = 0
    while at < len(ordered):
        first = ordered[at]
        head = memory.read_some(first.start, 4)
        image = image_at(memory, first.start) if head == b"\x7fELF" else None
        end = end_of(image) if image else 0
        last, executable = at, False
        while last < len(ordered) and ordered[last].path == first.path:
            file = ordered[last]
            if last > at and (file.start >= end if image else file.offset <= ordered[last - 1].offset):
                break
            executable |= code.find(file.start) is not None or unknown.find(file.start) is not None
            last += 1
        if executable and (image or (not head and first.offset == 0)):
            yield Place(first.start, max(end, ordered[last - 1].end), first.path)
        at = last


def _unlisted(notes: CoreNotes, memory: MemoryReader, regions: Sequence[Region], word: int) -> Iterator[Place]:
    """Cores of QEMU and others have no list of files: the program's own data lead to its images."""
    program = notes.auxv.get(AT_PHDR, 0) // PAGE * PAGE
    linker = notes.auxv.get(AT_BASE, 0)
    names = {linker: "ld.so"} if linker else {}
    if program:
        raw = memory.read_some(notes.auxv.get(AT_EXECFN, 0), 4096).split(b"\0")[0]
        names[program] = raw.decode("utf-8", "replace") or _short_name(notes)
    for base, path in load_link_map(memory, linker, word):
        names[base] = path or names.get(base, "")
    names = {base: path for base, path in names.items() if path}
    bases = sorted(names)
    for base, following in pairwise((*bases, 1 << 64)):
        image = image_at(memory, base)
        end = end_of(image) if image else _end_without_headers(base, following, regions)
        if base < end:
            yield Place(base, end, names[base])


def _short_name(notes: CoreNotes) -> str:
    return notes.process.pr_fname.split(b"\0")[0].decode("utf-8", "replace") if notes.process else ""


def _end_without_headers(base: int, following: int, regions: Sequence[Region]) -> int:
    """As far as memory goes on without a gap, and up to code that comes after data: the next image."""
    end, data = base, False
    for region in regions:
        if region.start > end or region.start >= following or (data and "x" in region.protection):
            if region.start >= base:
                break
        elif region.end > end:
            end = region.end
            data |= "w" in region.protection
    return min(end, following)
