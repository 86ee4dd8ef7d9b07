"""A live process -> `Snapshot`, inside a `with` that always lets it go again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mdmp.capture.options import CaptureOptions
from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.snapshot import Snapshot

__all__ = ["CaptureOptions", "capture"]


@contextmanager
def capture(pid: int, options: CaptureOptions | None = None) -> Iterator[Snapshot]:
    """What a running process is at this moment; the snapshot is good inside the `with` only.

    The process goes on as soon as its memory was copied (`options.snapshot`) or else at the end of the `with`.
    Raises `UsageError` when the process cannot be captured by us, and why; `UnusableInputError` when it ended, or
    did not stop in time.
    """
    options = options or CaptureOptions()
    if sys.platform == "linux":
        from mdmp.capture.linux.capture import capture_linux

        with capture_linux(pid, options) as snapshot:
            yield snapshot
    elif sys.platform == "win32":
        from mdmp.capture.windows.capture import capture_windows

        with capture_windows(pid, options) as snapshot:
            yield snapshot
    else:
        raise UsageError(f"capturing a running process is not possible on {sys.platform}")
