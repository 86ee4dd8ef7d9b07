"""The answer to one question about this system."""

from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
WARN: Final = "warn"
"""Dumps come, but not all, not complete, or not told of."""
BAD: Final = "bad"
"""Dumps are lost."""
UNKNOWN: Final = "unknown"
STATES: Final = (OK, WARN, BAD, UNKNOWN)

ANY: Final = "any"
"""Matters for every dump."""
SYSTEM: Final = "system"
"""Only for crashes of programs that nobody watches, which the system hands to its handler."""
TRACE: Final = "trace"
"""Only for `run`, `attach`, `capture` and `install_handler`."""
CONCERNS: Final = (SYSTEM, TRACE, ANY)


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    """For scripts; the same in all versions."""
    state: str
    """One of `STATES`."""
    text: str
    """One line: what is so, and what it means."""
    advice: str = ""
    """One line: what to do. Empty when there is nothing."""
    concerns: str = ANY
    """One of `CONCERNS`."""
