"""Symbol paths: what the user gave, as an ordered list of places to look."""

import os
import sys
from collections.abc import Iterable
from typing import NamedTuple

from mdmp.snapshot import Snapshot


class Place(NamedTuple):
    """One place to look."""

    path: str
    """A folder, or a file given by itself."""
    origin: str
    """Why it is on the list, for the user: `--symbols`, `_NT_SYMBOL_PATH`, `beside the dump`."""


def of_this_system(snapshot: Snapshot) -> tuple[Place, ...]:
    """Where images lie when they are looked at where the program ran, and their debug files. None for a dump of another
    system: of Linux, one whose kernel is not of the very build of this one."""
    if snapshot.origin.kind not in ("core", "live") and snapshot.system.os_build != _build():
        return ()
    return Place("/usr/lib/debug", "debug files of this system"), Place("/", "where the dump says it was")


def _build() -> str:
    """As dumps of Linux have it."""
    if sys.platform == "linux":
        name = os.uname()
        return f"{name.sysname} {name.release} {name.version} {name.machine}"
    else:
        return "none"


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
