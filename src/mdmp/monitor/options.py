"""What `run` and `attach` are asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from mdmp.monitor.watch.conditions import Condition


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    number: int = 1
    """Dumps after which it is enough: `attach` then lets the process go, `run` only passes it through to its end."""
    spacing: float = 10.0
    """Seconds between two dumps that conditions make."""
    conditions: tuple[Condition, ...] = ()
    crashes: bool = True
    """Faults that end the process are triggers."""
    follow: bool = False
    """Child processes, too."""
    first_chance: tuple[str, ...] = ()
    """Exceptions or signals that are triggers even when the program handles them: codes, names, or parts of names with
    `*`."""
    signals: tuple[int, ...] = ()
    """Signals that are triggers when they arrive (Linux)."""
    debug_output: tuple[str, ...] = ()
    """Beginnings of debug output that is a trigger; the text becomes a message of the fault (Windows)."""
    exit_codes: tuple[int, ...] | None = None
    """A dump at the end of the process when it ends with one of these; an empty tuple: whatever the code."""
    writer: str = "mdmp"
    """`dbghelp`: have Windows' own MiniDumpWriteDump write the dump."""
    watching: Callable[[], None] | None = None
    """Called once, in the loop's thread, when from now on no fault is missed."""
    end_at_exec: bool = False
    """The process is let go when it becomes another program (Linux)."""
    ended_by: int | None = None
    """The only process whose signals end the watching, rather than anybody's (Linux)."""
