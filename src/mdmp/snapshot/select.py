"""Which memory a dump type keeps: a pure function of a snapshot."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from mdmp.binary.ranges import Span, intersect, merge, subtract
from mdmp.snapshot import dump_type as bits
from mdmp.snapshot.indirect import pointed_to
from mdmp.snapshot.memory import Region
from mdmp.snapshot.secrets import process_block, process_parameters, secret_spans
from mdmp.snapshot.snapshot import Snapshot
from mdmp.snapshot.stacks import crashed_tids, left_stacks, pointer_of, stack_of
from mdmp.snapshot.thread import Thread

CODE = 256
"""Bytes kept before and behind each instruction pointer."""
TEB = 0x80
"""Bytes of each thread's block that every type keeps: the stack's bounds, the last error."""
TRIAGE_STACK = 1 << 15
INDIRECT_BUDGET = 4 << 20
_PAGE = 4096
_MIN_STACK = 4096
"""Not even a small budget cuts a stack further."""


class Selection(NamedTuple):
    ranges: tuple[Span, ...]
    """(start, size), sorted and without overlaps; all of it is in the snapshot."""
    flags: int
    """MINIDUMP_TYPE bits for the header."""
    notes: tuple[str, ...] = ()
    """What the budget did not allow, in words, for the dump's comment."""

    @property
    def size(self) -> int:
        return sum(size for _, size in self.ranges)


def select(
    snapshot: Snapshot, flags: int, *, budget: int | None = None, indirect_budget: int = INDIRECT_BUDGET
) -> Selection:
    """The memory that MINIDUMP_TYPE bits ask for (`dump_type.DUMP_TYPES` has the usual ones by name).

    `budget`: bytes of memory. What does not fit is left out gracefully: the crashing threads are whole whatever it
    says, the other stacks are cut to equal shares, and of all else the largest pieces go first.
    """
    flags |= _metadata(snapshot)
    kept = snapshot.memory.ranges
    hidden = () if flags & bits.TELLS_SECRETS else secret_spans(snapshot)

    def visible(spans: Iterable[Span]) -> tuple[Span, ...]:
        return subtract(merge(intersect(merge(spans), kept)), hidden)

    crashed = crashed_tids(snapshot)
    threads = sorted(snapshot.threads or (), key=lambda thread: thread.tid not in crashed)
    stacks = [(thread, _stack(snapshot, thread, flags)) for thread in threads]
    first = [span for thread, span in stacks if span and thread.tid in crashed]
    first += [_cut(span, flags) for span in left_stacks(snapshot)]
    others = [span for thread, span in stacks if span and thread.tid not in crashed]
    must = visible((*first, *_code(snapshot, threads), *_blocks(threads)))
    more, cut = _optional(snapshot, flags, stacks, indirect_budget)
    notes = [f"only the first {indirect_budget} bytes that registers and stacks point to are kept"] if cut else []
    every = visible((*must, *others, *more))
    if budget is None or sum(size for _, size in every) <= budget:
        return Selection(every, flags, tuple(notes))
    left = max(0, budget - sum(size for _, size in must))
    shares = _shares(others, left)
    low = visible((*must, *shares))
    left = max(0, budget - sum(size for _, size in low))
    chosen = visible((*low, *_smallest(subtract(every, visible((*low, *others))), left)))
    lost = sum(size for _, size in every) - sum(size for _, size in chosen)
    shorter = sum(a != b for a, b in zip(others, shares, strict=True))
    notes.append(
        f"kept to a budget of {budget} bytes: {lost} bytes of memory are left out"
        + (f", of the stacks of {shorter} threads among others; the crashing thread's is whole" if shorter else "")
    )
    return Selection(chosen, flags, tuple(notes))


def _metadata(snapshot: Snapshot) -> int:
    """Bits that tell which lists there are."""
    timed = any(thread.start_address is not None for thread in snapshot.threads or ())
    there = (
        (bits.HANDLE_DATA, snapshot.handles is not None),
        (bits.UNLOADED_MODULES, snapshot.unloaded_modules is not None),
        (bits.FULL_MEMORY_INFO, snapshot.regions is not None),
        (bits.THREAD_INFO, timed),
    )
    return sum(bit for bit, yes in there if yes)


def _stack(snapshot: Snapshot, thread: Thread, flags: int) -> Span | None:
    span = stack_of(snapshot, thread)
    return _cut(span, flags) if span else None


def _cut(span: Span, flags: int) -> Span:
    return (span[0], min(span[1], TRIAGE_STACK)) if flags & bits.FILTER_TRIAGE else span


def _code(snapshot: Snapshot, threads: Sequence[Thread]) -> Iterator[Span]:
    contexts = (*(thread.context for thread in threads), *(exception.context for exception in snapshot.exceptions))
    for context in contexts:
        pc = pointer_of(context, "pc")
        if pc:
            yield max(pc - CODE, 0), 2 * CODE


def _blocks(threads: Sequence[Thread]) -> Iterator[Span]:
    return ((thread.teb, TEB) for thread in threads if thread.teb)


def _optional(
    snapshot: Snapshot, flags: int, stacks: Sequence[tuple[Thread, Span | None]], indirect_budget: int
) -> tuple[list[Span], bool]:
    """What the bits ask for beyond stacks and code; whether something was cut."""
    if flags & bits.FULL_MEMORY:
        return list(snapshot.memory.ranges), False
    found: list[Span] = []
    wanted = (
        (bits.PRIVATE_READ_WRITE_MEMORY, _is_private),
        (bits.PRIVATE_WRITE_COPY_MEMORY, _is_own_copy),
        (bits.DATA_SEGS, _is_data),
        (bits.CODE_SEGS, _is_code),
    )
    rules = [rule for bit, rule in wanted if flags & bit]
    if rules and snapshot.regions is not None:
        found += (
            (region.start, region.size)
            for region in snapshot.regions
            if region.state == "commit" and not region.guard and any(rule(snapshot, region) for rule in rules)
        )
    elif flags & bits.PRIVATE_READ_WRITE_MEMORY:  # no memory map: all that is no image
        images = merge((module.base, module.size) for module in snapshot.modules or ())
        found += subtract(snapshot.memory.ranges, images)
    if flags & bits.MODULE_HEADERS:
        found += ((module.base, min(_PAGE, module.size)) for module in snapshot.modules or ())
    if flags & bits.PROCESS_THREAD_DATA:
        found += ((thread.teb, 2 * _PAGE) for thread, _ in stacks if thread.teb)
        found += ((at, _PAGE) for at in (process_block(snapshot), process_parameters(snapshot)) if at)
        found += secret_spans(snapshot)
    if flags & bits.INDIRECTLY_REFERENCED_MEMORY:
        spans, cut = pointed_to(snapshot, stacks, indirect_budget)
        return [*found, *spans], cut
    return found, False


def _is_private(snapshot: Snapshot, region: Region) -> bool:
    return "w" in region.protection and region.kind in ("private", None)


def _is_own_copy(snapshot: Snapshot, region: Region) -> bool:
    """Writable pages of images, and of files that are mapped copy-on-write (Windows tells)."""
    copied = region.windows_protection is not None and bool(region.windows_protection & 0x88)
    return copied or (region.kind == "image" and "w" in region.protection)


def _is_data(snapshot: Snapshot, region: Region) -> bool:
    return "w" in region.protection and _in_module(snapshot, region)


def _is_code(snapshot: Snapshot, region: Region) -> bool:
    return "x" in region.protection and _in_module(snapshot, region)


def _in_module(snapshot: Snapshot, region: Region) -> bool:
    return region.kind == "image" or snapshot.module_at(region.start) is not None


def _shares(stacks: Sequence[Span], budget: int) -> list[Span]:
    """Each cut at its far end, so that short stacks stay whole and the long ones share what is left."""
    sizes, left = sorted(size for _, size in stacks), budget
    limit = 0
    for index, size in enumerate(sizes):
        limit = left // (len(sizes) - index)
        if size > limit:
            break
        left -= size
    else:
        return list(stacks)
    limit = max(limit // 16 * 16, _MIN_STACK)
    return [(start, min(size, limit)) for start, size in stacks]


def _smallest(spans: Sequence[Span], budget: int) -> Iterator[Span]:
    for start, size in sorted(spans, key=lambda span: span[1]):
        if size > budget:
            return
        budget -= size
        yield start, size
