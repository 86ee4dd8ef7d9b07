"""Symbol paths: what the user gave, as an ordered list of places to look."""

import os
from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """One place to look."""

    path: str
    """A folder, or a file given by itself."""
    origin: str
    """Why it is on the list, for the user: `--symbols`, `_NT_SYMBOL_PATH`, `beside the dump`."""


def of_this_system() -> tuple[Place, ...]:
    """Where a core file's own images lie when it is looked at where it was written, and their debug files."""
    return Place("/usr/lib/debug", "debug files of this system"), Place("/", "where the core file says it was")


def local_places(text: str, origin: str) -> Iterable[Place]:
    """The local folders of a path in the syntax of `_NT_SYMBOL_PATH`; servers (HTTP) and network shares are left out.

    `srv*cache*https://…`, `symsrv*symsrv.dll*…` and `cache*dir` name stores separated by `*`; the rest are folders.
    """
    for entry in text.split(";"):
        head, *rest = entry.strip().split("*")
        kind = head.lower()
        if kind in ("srv", "cache"):
            stores = rest
        elif kind == "symsrv":
            stores = rest[1:]
        else:
            stores = [entry.strip()]
        for store in stores:
            if store and "://" not in store and not store.startswith(("\\\\", "//")):
                yield Place(os.path.expandvars(store), origin)
