"""The handler's own log: a line of JSON for each crash, for root's eyes; old ones go."""

from __future__ import annotations

import json
import os
from contextlib import suppress

MAX_LOG = 1 << 20
_TOLD = 10


def write_log(path: str, entry: dict[str, object]) -> None:
    """Adds an entry; without a word where that is not possible."""
    line = json.dumps(entry).encode() + b"\n"
    with suppress(OSError):
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(number, line)
            full = os.fstat(number).st_size > MAX_LOG
        finally:
            os.close(number)
        if full:
            os.replace(path, f"{path}.1")


def read_log(path: str, count: int = _TOLD) -> list[dict[str, object]]:
    """The last entries; none where there is no log, or none for us."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - (1 << 16)))
            lines = file.read().splitlines()[-count:]
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
