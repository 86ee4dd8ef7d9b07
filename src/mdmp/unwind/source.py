"""What unwinding asks of the rest of the program."""

from typing import NamedTuple, Protocol

from mdmp.formats.pe.headers import PeImage


class Memory(Protocol):
    """The memory of the process."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes, or `MemoryUnavailable`."""

    def read_some(self, address: int, size: int) -> bytes:
        """Up to `size` bytes, as many as there are without a gap."""

    def word(self, address: int, size: int) -> int | None:
        """A little-endian number, or None."""


class FrameRecord(NamedTuple):
    """How an x86 function lays out its frame: FrameData or FPO_DATA of a PDB, or a Breakpad STACK WIN record."""

    start: int
    """RVA of the code it covers."""
    size: int
    prolog_size: int
    params_size: int
    """Bytes of arguments on the stack (which the function itself removes, or not)."""
    saved_size: int
    """Bytes of saved registers."""
    locals_size: int
    program: str
    """FrameData's postfix program; "" where there is none."""
    uses_base_pointer: bool = False
    """Without a program: ebp serves as another register and is saved with the others."""


class UnwindModule(Protocol):
    """A loaded module."""

    @property
    def base(self) -> int: ...

    @property
    def end(self) -> int: ...

    def image(self) -> PeImage | None:
        """The PE image with its unwind tables, in the process's memory or in a file; None where neither is at hand."""

    def frame_record(self, rva: int) -> FrameRecord | None:
        """The record that covers an address of x86 code; None where there is none."""


class UnwindSource(Protocol):
    """The modules and memory map of the process."""

    def module_at(self, address: int) -> UnwindModule | None: ...

    def executable(self, address: int) -> bool | None:
        """Does the memory map allow code to run at `address`? None: it does not tell."""
