"""What stopped the process."""

from dataclasses import dataclass

from mdmp.snapshot.thread import Context


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """An exception (Windows), signal (Linux) or Mach exception (macOS), numbers as the system gave them.

    On Linux `code` is the signal and `flags` the si_code; on macOS `code` is the exception type, `flags` its code.
    """

    tid: int | None
    code: int
    flags: int
    address: int | None
    """Windows: where the instruction was; Linux and macOS: the address that faulted. None: only the signal is known."""
    parameters: tuple[int, ...] = ()
    context: Context | None = None
    """The registers at the fault, which differ from the thread's own where the handler ran on the same thread."""
    nested: int = 0
    """Address of the next record of the chain in the process, 0 for none."""
