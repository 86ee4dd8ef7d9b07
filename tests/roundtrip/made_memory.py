"""Memory made of pieces of bytes."""

from mdmp.errors import MemoryUnavailable


class Memory:
    """A `MemoryReader` over (address, bytes) that do not touch."""

    def __init__(self, pieces: dict[int, bytes]) -> None:
        self.pieces = dict(sorted(pieces.items()))
        self.ranges = tuple((start, len(raw)) for start, raw in self.pieces.items())

    def read_some(self, address: int, size: int) -> bytes:
        for start, raw in self.pieces.items():
            if start <= address < start + len(raw):
                return raw[address - start : address - start + size]
        return b""

    def read(self, address: int, size: int) -> bytes:
        raw = self.read_some(address, size)
        if len(raw) < size:
            raise MemoryUnavailable(address, size)
        return raw

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None
