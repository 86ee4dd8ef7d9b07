"""`Snapshot` -> a minidump of one of the dump types: what to keep is chosen, the rest redacted, then saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.dumpfile.save import save
from mdmp.errors import UsageError
from mdmp.snapshot.dump_type import DUMP_TYPES, FILTER_MEMORY
from mdmp.snapshot.redact import redact
from mdmp.snapshot.select import select

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from mdmp.dumpfile.part_file import PartFile
    from mdmp.dumpfile.save import Saved
    from mdmp.snapshot import Snapshot


def save_chosen(
    snapshot: Snapshot,
    path: str | os.PathLike[str] | PartFile,
    *,
    kind: str | int,
    budget: int | None = None,
    scrub_stacks: bool = False,
    replace: bool = True,
    when_read: Callable[[], None] | None = None,
) -> Saved:
    """As `mdmp.save_dump` says."""
    selection = select(snapshot, flags_of(kind, scrub_stacks), budget=budget)
    redacted = redact(snapshot, selection.flags, selection.notes)
    ranges, flags = selection.ranges, selection.flags
    return save(redacted, path, ranges=ranges, flags=flags, replace=replace, when_read=when_read)


def flags_of(kind: str | int, scrub_stacks: bool = False) -> int:
    """MINIDUMP_TYPE bits of a dump type; `UsageError` for one that we do not know."""
    flags = DUMP_TYPES.get(kind) if isinstance(kind, str) else kind
    if flags is None:
        raise UsageError(f"no dump type {kind!r} (there are: {', '.join(DUMP_TYPES)}, and MINIDUMP_TYPE bits)")
    return flags | (FILTER_MEMORY if scrub_stacks else 0)
