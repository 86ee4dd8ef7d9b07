"""What unwinding asks of the rest of the program."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from mdmp.formats.dwarf.cfa import Row
from mdmp.formats.macho import UnwindEntry
from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.pdata import RuntimeFunction, UnwindImage


class Memory(Protocol):
    """The memory of the process."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes, or `MemoryUnavailable`."""

    def read_some(self, address: int, size: int) -> bytes:
        """Up to `size` bytes, as many as there are without a gap."""

    def word(self, address: int, size: int) -> int | None:
        """A little-endian number, or None."""


class UnwindModule(Protocol):
    """A loaded module. Addresses are relative to its base; whatever is not at hand is None."""

    @property
    def base(self) -> int: ...

    @property
    def end(self) -> int: ...

    def read(self, rva: int, size: int) -> bytes:
        """Bytes of the image, from the process's memory or a file; `FormatError` or `MemoryUnavailable`."""

    def executable(self, rva: int) -> bool | None:
        """May code stand there, going by the image's own headers?"""

    def pe_image(self) -> PeImage | None:
        """The PE image with its unwind tables."""

    def frame_data(self, rva: int) -> FrameData | None:
        """How x86 code lays out its frame, from the PDB or a STACK WIN record."""

    def compact_unwind(self, rva: int) -> UnwindEntry | None:
        """Apple's compact unwind encoding."""

    def call_frame(self, rva: int) -> Row | None:
        """The row of DWARF call-frame information."""

    def stack_cfi(self, rva: int) -> Mapping[str, tuple[str, ...]] | None:
        """The rules of Breakpad's STACK CFI records: register to the words of its expression."""


class RunTimeFunction(NamedTuple):
    """A function that lies in no module: a JIT compiler made it, with the unwind entry that Windows wants."""

    base: int
    """What `function` and `image` are relative to."""
    function: RuntimeFunction
    image: UnwindImage


class UnwindSource(Protocol):
    """The modules and memory map of the process."""

    def module_at(self, address: int) -> UnwindModule | None: ...

    def executable(self, address: int) -> bool | None:
        """Does the memory map allow code to run at `address`? None: it does not tell."""

    def run_time_function(self, address: int) -> RunTimeFunction | None:
        """The function at an address outside of all modules, where its unwind entry is known."""
