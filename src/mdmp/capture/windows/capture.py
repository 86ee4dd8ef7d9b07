"""A live process -> `Snapshot`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.capture.options import CaptureOptions
    from mdmp.capture.windows.debugged import Debugged
    from mdmp.snapshot import Snapshot

assert sys.platform == "win32"


@contextmanager
def capture_windows(pid: int, options: CaptureOptions, debugged: Debugged | None = None) -> Iterator[Snapshot]:
    """`debugged`: the caller debugs the process, which stands still at an event; then no copy is made."""
    raise NotImplementedError
    yield
