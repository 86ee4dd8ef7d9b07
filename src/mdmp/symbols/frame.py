"""The answer to "what is at this address?", whatever kind of symbols it came from."""

from typing import NamedTuple, Protocol, runtime_checkable

from mdmp.errors import Issue


class SourceFrame(NamedTuple):
    """One function at an address; the inline ones come before the function that they are inside of."""

    function: str
    """For people: undecorated where that is possible."""
    file: str | None = None
    line: int | None = None
    inline: bool = False
    start: int | None = None
    """RVA of the first instruction of the physical function."""
    checksum: tuple[str, bytes] | None = None
    """Kind (`MD5`, `SHA1`, `SHA256`) and digest of the source file that was compiled."""
    url: str | None = None
    """Where that very version of the source file can be had (source link)."""


class SymbolSource(Protocol):
    """Anything that can name what is at an address of one module."""

    @property
    def format(self) -> str:
        """`pdb`, `sym`, `dwarf`, `exports`…"""

    def lookup(self, rva: int) -> tuple[SourceFrame, ...]:
        """Innermost first; empty when nothing is known. `rva` is relative to the image's base."""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was found damaged so far, which may have cost answers."""


@runtime_checkable
class IlSource(Protocol):
    """Symbols of a .NET module: they know methods and offsets in their IL, not addresses."""

    def lookup_il(self, token: int, offset: int) -> tuple[SourceFrame, ...]:
        """What is at `offset` (in bytes of IL) of the method with this metadata token; empty when nothing is known."""
