"""How a report is to be shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenderOptions:
    all_threads: bool = False
    """Show the stacks of all threads, not only of the one to look at."""
    brief: bool = False
    """A few lines only."""
    max_frames: int | None = None
    """At most so many frames of a stack; None: all."""
    color: bool = False
    """ANSI colours (text)."""
    width: int | None = None
    """Columns of the terminal (text); None: lines may be of any length."""
    pretty: bool = True
    """Indented over many lines, or one line (JSON)."""
