"""The memory of the process: which bytes are kept, and what each region was."""

from dataclasses import dataclass
from typing import Protocol

from mdmp.errors import MemoryUnavailable


class MemoryReader(Protocol):
    """The bytes a snapshot keeps. Addresses are virtual addresses of the process; nothing is read before asked."""

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, size) of what is kept, sorted by start, overlaps merged."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes; `MemoryUnavailable` when one of them is not kept."""

    def read_some(self, address: int, size: int) -> bytes:
        """Up to `size` bytes: as many as are kept from `address` on without a gap (b"" when none)."""

    def word(self, address: int, size: int) -> int | None:
        """An unsigned little-endian number of 1, 2, 4 or 8 bytes, or None when it is not kept."""


class EmptyMemory:
    """Nothing kept."""

    ranges: tuple[tuple[int, int], ...] = ()

    def read(self, address: int, size: int) -> bytes:
        raise MemoryUnavailable(address, size)

    def read_some(self, address: int, size: int) -> bytes:
        return b""

    def word(self, address: int, size: int) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class Region:
    """One entry of the memory map: [start, start + size) with the same state throughout."""

    start: int
    size: int
    state: str
    """`commit`, `reserve` or `free`."""
    protection: str
    """Permissions as `rwx` letters with `-` for what is not allowed, `""` where not known."""
    guard: bool = False
    kind: str | None = None
    """`private`, `mapped` or `image`; None where not known."""
    name: str | None = None
    """The mapped file or the system's label (`[stack]`), where the source tells it."""
    windows_protection: int | None = None
    """PAGE_* bits as Windows gave them."""
    allocation_base: int | None = None
    allocation_protection: int | None = None

    @property
    def end(self) -> int:
        return self.start + self.size
