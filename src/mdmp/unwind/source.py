"""What unwinding asks of the rest of the program."""

from typing import Protocol

from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pe.headers import PeImage


class Memory(Protocol):
    """The memory of the process."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes, or `MemoryUnavailable`."""

    def read_some(self, address: int, size: int) -> bytes:
        """Up to `size` bytes, as many as there are without a gap."""

    def word(self, address: int, size: int) -> int | None:
        """A little-endian number, or None."""


class UnwindModule(Protocol):
    """A loaded module."""

    @property
    def base(self) -> int: ...

    @property
    def end(self) -> int: ...

    def image(self) -> PeImage | None:
        """The PE image with its unwind tables, in the process's memory or in a file; None where neither is at hand."""

    def frame_data(self, rva: int) -> FrameData | None:
        """How x86 code at `rva` lays out its frame, from the PDB; None where nothing is known."""


class UnwindSource(Protocol):
    """The modules and memory map of the process."""

    def module_at(self, address: int) -> UnwindModule | None: ...

    def executable(self, address: int) -> bool | None:
        """Does the memory map allow code to run at `address`? None: it does not tell."""
