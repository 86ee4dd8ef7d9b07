"""What a capture is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    snapshot: bool = True
    """Let the process go on at once and read a copy of it that is made on write, where that is possible; else it
    stands still as long as the `Snapshot` is in use."""
    command_line: bool = False
    """Keep the command line, which may hold secrets."""
    environment: bool = False
    """Keep the environment, which often does."""
    limit: float = 2.0
    """Seconds in which all threads have to stop."""
