"""A process that stands still at a debug event already."""

from dataclasses import dataclass

from mdmp.snapshot import ExceptionRecord


@dataclass(frozen=True, slots=True)
class Debugged:
    """What a debugger hands over between WaitForDebugEvent and ContinueDebugEvent, while no thread runs."""

    process: int
    """A handle with all rights; stays the debugger's."""
    exceptions: tuple[ExceptionRecord, ...] = ()
    """As the debug event told them; the registers are added by the capture."""
    stands_still: bool = True
    """All its threads are stopped by the system. Otherwise they are suspended for the time of the capture."""
