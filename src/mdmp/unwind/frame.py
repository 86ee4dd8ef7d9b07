"""What a walk gives: frames, each with how it was found, and why there are no more."""

from typing import NamedTuple


class Frame(NamedTuple):
    instruction: int
    """The program counter in this frame: where it was stopped, or the return address into it."""
    lookup: int
    """The address to look up: `instruction` where the frame was stopped there (by an exception, a system call),
    one less in a caller, whose call instruction may be the last of its function."""
    sp: int
    """The stack pointer in this frame."""
    registers: dict[str, int]
    """The registers whose values in this frame are known, with program counter and stack pointer."""
    trust: str
    """How the frame was found, best first: `context` (the thread's own registers), `cfi` (unwind tables, or a return
    address whose place is certain), `cfi_scan` (tables, with a search for the return address), `frame_pointer` (a chain
    of saved frame pointers, or an unconfirmed link register), `scan` (a word that looks like a return address)."""


class Walk(NamedTuple):
    frames: tuple[Frame, ...]
    """Innermost first; the first is the context's own."""
    stop: str
    """Why the walk ended there, for people: `end of stack: return address 0`, `no memory at 0x…`."""


class Caller(NamedTuple):
    """One step: the registers in the caller."""

    registers: dict[str, int]
    trust: str
    exact: bool = False
    """The caller did not call: it was interrupted at its program counter."""
