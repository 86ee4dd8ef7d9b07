"""The folder /proc/PID of one process: reading it, without opinion."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from mdmp.formats.proc.stat import Stat, parse_stat
from mdmp.formats.proc.status import parse_fields

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_text(path: str) -> bytes | None:
    """A whole file of /proc; None where there is none, or none for us."""
    try:
        with open(path, "rb", buffering=0) as file:
            pieces = []
            while piece := file.read(1 << 16):
                pieces.append(piece)
        return b"".join(pieces)
    except OSError:
        return None


def _numbers(folder: str) -> list[int]:
    try:
        return sorted(int(entry) for entry in os.listdir(folder) if entry.isdigit())
    except OSError:
        return []


def pids() -> list[int]:
    """Of all processes that we can see."""
    return _numbers("/proc")


def _has_ended(folder: str) -> bool:
    stat = parse_stat(read_text(f"{folder}/stat") or b"")
    return stat is not None and stat.state in "ZX"


class Proc:
    def __init__(self, pid: int) -> None:
        self.pid = pid

    def path(self, name: str) -> str:
        first = name in ("stat", "status") or name.startswith("task")
        return f"/proc/{self.pid if first else self.living}/{name}"

    @cached_property
    def living(self) -> int:
        """The thread by which the memory and files are found: the first, unless that has ended before the others."""
        folder = f"/proc/{self.pid}"
        if not _has_ended(folder):
            return self.pid
        return next((tid for tid in _numbers(f"{folder}/task") if not _has_ended(f"{folder}/task/{tid}")), self.pid)

    def text(self, name: str) -> bytes | None:
        return read_text(self.path(name))

    def link(self, name: str) -> str | None:
        try:
            return os.readlink(self.path(name))
        except OSError:
            return None

    @property
    def program(self) -> str:
        """The path of the file that it runs, also when that was removed or replaced since; empty when not known."""
        return (self.link("exe") or "").removesuffix(" (deleted)")

    def names(self, name: str) -> list[int]:
        """The numbers that name the entries of a folder, sorted; none where there is no folder."""
        return _numbers(self.path(name))

    def tids(self) -> list[int]:
        return self.names("task")

    def stat(self, tid: int | None = None) -> Stat | None:
        text = self.text("stat" if tid is None else f"task/{tid}/stat")
        return parse_stat(text) if text else None

    def status(self) -> Mapping[str, str]:
        return parse_fields(self.text("status") or b"")

    @cached_property
    def parent(self) -> int:
        """0 when it is not known."""
        stat = self.stat()
        return stat.parent if stat else 0
