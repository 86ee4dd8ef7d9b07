"""A line on standard error that tells how long work goes on, for terminals only."""

import sys
import time

from mdmp.binary.text import safe_text

PATIENCE = 0.7
"""Seconds in which nothing is shown."""
INTERVAL = 0.1


class Progress:
    """Shows the latest text on one line that `clear` removes; silent where standard error is no terminal."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._active = sys.stderr.isatty()
        self._next = time.monotonic() + PATIENCE
        self._shown = False

    def __call__(self, text: str) -> None:
        if not self._active or time.monotonic() < self._next:
            return
        sys.stderr.write(f"\r\x1b[K{safe_text(self._prefix + text, 76)}")
        sys.stderr.flush()
        self._shown = True
        self._next = time.monotonic() + INTERVAL

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
