"""What is fixed about a CPU, as data: register names and roles, calling-convention facts, numbers in debug formats."""

from typing import NamedTuple


class Cpu(NamedTuple):
    """One CPU. The registers of a frame are a plain `dict[str, int]` keyed by the names used here."""

    name: str
    pointer_size: int
    """In bytes."""
    registers: tuple[str, ...]
    """General registers with the program counter, in the order in which debuggers print them."""
    pc: str
    sp: str
    fp: str
    """The register that a frame-pointer chain goes through."""
    lr: str | None
    """The link register, where a call puts the return address; None where it goes on the stack."""
    flags: str
    saved_windows: frozenset[str]
    """Registers that a function gives back unchanged on Windows (without program counter and stack pointer)."""
    saved_sysv: frozenset[str]
    """The same on Linux, Android, macOS and iOS."""
    codeview: dict[int, str]
    """CodeView (PDB) register number to name. Source: CV_HREG_e of Microsoft's cvconst.h."""
    dwarf: dict[int, str]
    """DWARF register number to name. Source: the psABI of the CPU."""
    aliases: dict[str, str]
    """Other names in use for the same register."""

    @property
    def mask(self) -> int:
        """All bits of an address."""
        return (1 << (8 * self.pointer_size)) - 1


def numbered(first: int, names: tuple[str, ...]) -> dict[int, str]:
    """Consecutive register numbers from `first` on."""
    return dict(enumerate(names, first))
