"""What the dynamic linker of a Linux process had loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkedLibrary:
    """One `struct link_map` of link.h."""

    base: int
    """What was added to the addresses in the file."""
    name: str
    dynamic: int
    """Address of the library's dynamic section."""


@dataclass(frozen=True, slots=True)
class Linker:
    """`struct r_debug` of link.h, which debuggers start from."""

    version: int
    breakpoint: int
    """Address of the function that the linker calls when the list changes."""
    base: int
    """Where the linker itself lies."""
    dynamic_address: int
    dynamic: bytes
    """The program's dynamic section as it was in memory."""
    libraries: tuple[LinkedLibrary, ...]
    """The program first; its name is empty."""
