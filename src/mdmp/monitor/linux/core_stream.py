"""The core as the kernel sends it down the pipe."""

from __future__ import annotations

import os

from mdmp.errors import UnusableInputError

_PIECE = 1 << 20


class CoreStream:
    """Can be read once; what was read is also written to `spool`, for whoever wants the core after us."""

    def __init__(self, number: int, spool: int | None) -> None:
        self._number = number
        self.spool = spool

    def read(self, size: int) -> bytes:
        """So many bytes; fewer only at the end."""
        pieces = []
        while size > 0 and (piece := self._piece(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def drain(self, limit: int) -> int:
        """Reads all that is left into the spool, and gives its size. `UnusableInputError` when that is over `limit`."""
        size = os.fstat(self.spool).st_size if self.spool is not None else 0
        while piece := self._piece(_PIECE):
            size += len(piece)
            if size > limit:
                raise UnusableInputError(f"the process is gone, and its core has more than {limit} bytes")
        return size

    def _piece(self, size: int) -> bytes:
        piece = os.read(self._number, min(size, _PIECE))
        if self.spool is not None:
            write_all(self.spool, piece)
        return piece


def write_all(number: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(number, view) :]
