"""Memory that exceptions, registers and stacks point to."""

from collections.abc import Iterable, Iterator
from struct import iter_unpack

from mdmp.arch import CPUS
from mdmp.binary.ranges import Span, merge
from mdmp.snapshot.snapshot import Snapshot
from mdmp.snapshot.thread import Thread

GRANULE = 256
BEFORE = 128
AFTER = 384
"""Bytes kept before and behind what a pointer points to, in whole granules."""
MAX_STACK = 1 << 18
"""Bytes of one stack that are searched."""


def pointed_to(
    snapshot: Snapshot, threads: Iterable[tuple[Thread, Span | None]], budget: int
) -> tuple[tuple[Span, ...], bool]:
    """Spans around what is pointed to, and whether the budget (bytes) was too small. What exceptions tell comes first,
    then thread by thread."""
    cpu = CPUS.get(snapshot.system.cpu)
    if cpu is None:
        return (), False
    granules: dict[int, None] = {}
    pages: dict[int, bool] = {}
    told = (value for exception in snapshot.exceptions for value in exception.parameters)
    for words in (told, *(_words(snapshot, thread, stack, cpu.pointer_size) for thread, stack in threads)):
        for value in words:
            page = value >> 12
            good = pages.get(page)
            if good is None:
                good = pages[page] = _is_data(snapshot, value)
            if good:
                for granule in range(max(value - BEFORE, 0) // GRANULE, (value + AFTER) // GRANULE):
                    granules[granule] = None
                if len(granules) * GRANULE > budget:
                    return _spans(list(granules)[: budget // GRANULE]), True
    return _spans(granules), False


def _spans(granules: Iterable[int]) -> tuple[Span, ...]:
    return merge((granule * GRANULE, GRANULE) for granule in granules)


def _words(snapshot: Snapshot, thread: Thread, stack: Span | None, size: int) -> Iterator[int]:
    if thread.context:
        yield from thread.context.registers.values()
    if stack:
        start = (stack[0] + size - 1) // size * size
        raw = snapshot.memory.read_some(start, min(stack[1], MAX_STACK))
        for (value,) in iter_unpack("<Q" if size == 8 else "<I", raw[: len(raw) // size * size]):
            yield value


def _is_data(snapshot: Snapshot, address: int) -> bool:
    """Kept, and no code or constants, which the image file has as well."""
    if address < 0x10000 or not snapshot.memory.read_some(address, 1):
        return False
    region = snapshot.region_at(address)
    if region is not None and region.protection:
        return "w" in region.protection
    return snapshot.module_at(address) is None
