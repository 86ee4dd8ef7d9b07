"""A snapshot without what a dump type must not tell."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from mdmp.arch import CPUS
from mdmp.binary.ranges import RangeMap, Span, merge
from mdmp.errors import MemoryUnavailable
from mdmp.snapshot import dump_type as bits
from mdmp.snapshot.memory import MemoryReader
from mdmp.snapshot.module import base_name
from mdmp.snapshot.snapshot import Snapshot
from mdmp.snapshot.stacks import left_stacks, stack_of

_SECRET_TEXTS = ("cmdline", "environ")
SMALL = 4096
"""Numbers up to this are counts and indices, and tell little."""
SCRUBBED = 0x0DEFACED0DEFACED
"""What Crashpad puts in the place of scrubbed words, too."""


def redact(snapshot: Snapshot, flags: int, notes: Sequence[str] = ()) -> Snapshot:
    """Without command line and environment unless the MINIDUMP_TYPE bits ask for them, without folders and with
    scrubbed stacks where they say so. `notes` become a comment of the dump."""
    if not flags & bits.TELLS_SECRETS:
        snapshot = _without_secrets(snapshot)
    if flags & bits.FILTER_MODULE_PATHS:
        snapshot = _without_folders(snapshot)
    if flags & bits.FILTER_MEMORY:
        snapshot = replace(snapshot, memory=_scrubbed(snapshot))
    if notes:
        comments = (*snapshot.annotations.comments, "mdmp: " + "; ".join(notes))
        snapshot = replace(snapshot, annotations=replace(snapshot.annotations, comments=comments))
    return snapshot


def _without_secrets(snapshot: Snapshot) -> Snapshot:
    texts = {name: text for name, text in snapshot.annotations.texts.items() if name not in _SECRET_TEXTS}
    return replace(
        snapshot,
        process=replace(snapshot.process, command_line=None),
        annotations=replace(snapshot.annotations, texts=texts),
    )


def _without_folders(snapshot: Snapshot) -> Snapshot:
    """Only the names of files; the debug file's too. The kernel's text of the memory map goes: it is full of paths."""
    texts = {name: text for name, text in snapshot.annotations.texts.items() if name != "maps"}
    modules = snapshot.modules
    regions = snapshot.regions
    linker = snapshot.linker
    return replace(
        snapshot,
        modules=None
        if modules is None
        else tuple(
            replace(
                module,
                path=module.name,
                debug=module.debug and replace(module.debug, path=base_name(module.debug.path)),
            )
            for module in modules
        ),
        unloaded_modules=None
        if snapshot.unloaded_modules is None
        else tuple(replace(module, path=module.name) for module in snapshot.unloaded_modules),
        regions=None
        if regions is None
        else tuple(replace(region, name=region.name and base_name(region.name)) for region in regions),
        linker=linker
        and replace(linker, libraries=tuple(replace(entry, name=base_name(entry.name)) for entry in linker.libraries)),
        annotations=replace(snapshot.annotations, texts=texts),
    )


def _scrubbed(snapshot: Snapshot) -> MemoryReader:
    cpu = CPUS.get(snapshot.system.cpu)
    now = (span for thread in snapshot.threads or () if (span := stack_of(snapshot, thread)))
    stacks = merge((*now, *left_stacks(snapshot)))
    images = ((module.base, module.end, None) for module in snapshot.modules or ())
    allowed = RangeMap([*((start, start + size, None) for start, size in stacks), *images])
    return ScrubbedMemory(snapshot.memory, stacks, allowed, cpu.pointer_size if cpu else 8)


class ScrubbedMemory:
    """Stacks whose words are replaced unless unwinding needs them: pointers into stacks and images, and small numbers.

    Words are those at multiples of `word`; of one that is read in part the bytes are zero.
    """

    def __init__(self, memory: MemoryReader, stacks: Sequence[Span], allowed: RangeMap[None], word: int) -> None:
        self._memory = memory
        self._stacks = stacks
        self._starts = [start for start, _ in stacks]
        self._allowed = allowed
        self._word = word
        self._mark = (SCRUBBED & (1 << 8 * word) - 1).to_bytes(word, "little")

    @property
    def ranges(self) -> tuple[Span, ...]:
        return self._memory.ranges

    def read(self, address: int, size: int) -> bytes:
        raw = self.read_some(address, size)
        if len(raw) != size or size <= 0:
            raise MemoryUnavailable(address, size)
        return raw

    def read_some(self, address: int, size: int) -> bytes:
        raw = self._memory.read_some(address, size)
        end = address + len(raw)
        i = max(bisect_right(self._starts, address) - 1, 0)
        pieces = bytearray(raw)
        while i < len(self._stacks) and self._starts[i] < end:
            low, high = max(address, self._starts[i]), min(end, sum(self._stacks[i]))
            if low < high:
                pieces[low - address : high - address] = self._scrub(raw[low - address : high - address], low)
            i += 1
        return bytes(pieces)

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None

    def _scrub(self, raw: bytes, address: int) -> bytes:
        word, find = self._word, self._allowed.find
        first = min(-address % word, len(raw))
        parts = [bytes(first)]
        whole = (len(raw) - first) // word * word + first
        for at in range(first, whole, word):
            part = raw[at : at + word]
            value = int.from_bytes(part, "little")
            parts.append(part if value <= SMALL or find(value) is not None else self._mark)
        parts.append(bytes(len(raw) - whole))
        return b"".join(parts)
