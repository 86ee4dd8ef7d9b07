"""What /proc tells of one process, read at once by who may read it, to be understood later by who may not."""

from __future__ import annotations

import os
from contextlib import suppress

from mdmp.capture.linux.proc import Proc

_TEXTS = ("status", "stat", "maps", "auxv", "limits", "cmdline", "environ", "comm")
_LINKS = ("exe", "root", "cwd", "ns/mnt", "ns/user", "ns/pid")
MAX_THREADS = 4096
"""Threads whose names and times are read."""
MAX_FILES = 4096
"""Open files that are told of."""
MAX_TEXT = 1 << 24
"""Bytes of one text."""


class SavedProc(Proc):
    """No file that the process names is opened: of links only the text is read."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self._texts: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._names = {name: super(SavedProc, self).names(name) for name in ("task", "fd")}
        threads = self._names["task"][:MAX_THREADS]
        files = self._names["fd"][:MAX_FILES]
        for name in (*_TEXTS, *(f"task/{tid}/{kind}" for tid in threads for kind in ("stat", "status"))):
            self._save(name)
        for name in (*_LINKS, *(f"fd/{number}" for number in files)):
            if (target := super().link(name)) is not None:
                self._links[name] = target

    def _save(self, name: str) -> None:
        pieces, left = [], MAX_TEXT
        with suppress(OSError), open(self.path(name), "rb", buffering=0) as file:
            while left > 0 and (piece := os.read(file.fileno(), min(left, 1 << 16))):
                pieces.append(piece)
                left -= len(piece)
        if pieces:
            self._texts[name] = b"".join(pieces)

    def text(self, name: str) -> bytes | None:
        return self._texts.get(name)

    def link(self, name: str) -> str | None:
        return self._links.get(name)

    def names(self, name: str) -> list[int]:
        return self._names.get(name, [])
