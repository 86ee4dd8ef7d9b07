"""Unwind tables of code that was made at run time (by a JIT compiler) and lies in no module."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionTable:
    start: int
    """Lowest address of the code."""
    end: int
    base: int
    """What the addresses in the entries are relative to."""
    entries: bytes
    """The table as it is: amd64 has RUNTIME_FUNCTIONs of 12 bytes, sorted. What they point at is in the memory."""
    entry_size: int
