"""How two snapshots differ, in words; and memory made by hand."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from mdmp.errors import FormatError
from mdmp.snapshot import Snapshot

OF_THE_FILE = {"origin", "issues", "memory", "attachments", "exceptions_lost"}
"""Of the file they came from, or compared on their own."""


def differences(first: Snapshot, second: Snapshot) -> list[str]:
    """Where `second` is not what `first` was, but for the losses that `docs/writing.md` lists."""
    found = list(_differ(expected(first), second, ""))
    if first.memory.ranges != second.memory.ranges:
        found.append("memory.ranges")
    for start, size in first.memory.ranges:
        for at in range(start, start + size, 1 << 22):
            step = min(1 << 22, start + size - at)
            if first.memory.read(at, step) != second.memory.read(at, step):
                found.append(f"memory at {at:#x}")
    if attachments(first) != attachments(second):
        found.append("attachments")
    if (first.origin.time, first.origin.flags or 0) != (second.origin.time, second.origin.flags):
        found.append("origin")
    return found


def expected(snapshot: Snapshot) -> Snapshot:
    """With the registers of its thread where an exception has none."""
    return dataclasses.replace(
        snapshot,
        exceptions=tuple(
            dataclasses.replace(one, context=thread.context)
            if one.context is None and one.tid is not None and (thread := snapshot.thread(one.tid))
            else one
            for one in snapshot.exceptions
        ),
    )


def attachments(snapshot: Snapshot) -> list[tuple[int, bytes]]:
    found = []
    for attachment in snapshot.attachments:
        try:
            found.append((attachment.stream_type, attachment.read()))
        except FormatError:
            continue
    return found


def _differ(a: Any, b: Any, path: str) -> Iterator[str]:
    if a == b:
        return
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        for field in dataclasses.fields(a):
            if path or field.name not in OF_THE_FILE:
                yield from _differ(getattr(a, field.name), getattr(b, field.name), f"{path}.{field.name}")
    elif isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _differ(x, y, f"{path}[{i}]")
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in {**a, **b}:
            yield from _differ(a.get(key), b.get(key), f"{path}[{key!r}]")
    else:
        yield f"{path}: {str(a)[:100]} became {str(b)[:100]}"
