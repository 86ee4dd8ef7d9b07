"""OMAP: where code went that a tool reordered after linking. Symbols keep the addresses of the linker's output."""

from bisect import bisect_right

from mdmp.formats.pdb.msf import Stream, words


class Omap:
    """One direction of the map: pairs (from, to), sorted by `from`; each holds up to the next one's start."""

    def __init__(self, stream: Stream) -> None:
        pairs = words(stream.read(0, stream.size & ~7))
        self._from = pairs[0::2]
        self._to = pairs[1::2]

    def translate(self, rva: int) -> int | None:
        """The address on the other side; None for code that only one side has."""
        i = bisect_right(self._from, rva) - 1
        if i < 0 or not self._to[i]:
            return None
        return self._to[i] + rva - self._from[i]
