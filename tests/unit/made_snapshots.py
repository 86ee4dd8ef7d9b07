"""Small snapshots made by hand."""

from mdmp.errors import MemoryUnavailable
from mdmp.snapshot import Context, ExceptionRecord, Module, Origin, Region, Snapshot, System, Thread


class Memory:
    """Memory from a few pieces of bytes by address."""

    def __init__(self, pieces: dict[int, bytes] | None = None) -> None:
        self._pieces = dict(sorted((pieces or {}).items()))

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        return tuple((start, len(raw)) for start, raw in self._pieces.items())

    def read(self, address: int, size: int) -> bytes:
        raw = self.read_some(address, size)
        if len(raw) < size:
            raise MemoryUnavailable(address, size)
        return raw

    def read_some(self, address: int, size: int) -> bytes:
        for start, raw in self._pieces.items():
            if start <= address < start + len(raw):
                return raw[address - start : address - start + size]
        return b""

    def word(self, address: int, size: int) -> int | None:
        raw = self.read_some(address, size)
        return int.from_bytes(raw, "little") if len(raw) == size else None


def make(
    *,
    os: str = "windows",
    cpu: str = "amd64",
    code: int | None = None,
    flags: int = 0,
    address: int = 0x140001000,
    parameters: tuple[int, ...] = (),
    registers: dict[str, int] | None = None,
    memory: dict[int, bytes] | None = None,
    modules: tuple[Module, ...] = (Module(0x140000000, 0x10000, r"C:\app\app.exe", os="windows"),),
    regions: tuple[Region, ...] | None = None,
) -> Snapshot:
    """One thread, one module, and an exception if there is a code."""
    context = Context(cpu, registers) if registers is not None else None
    exceptions = () if code is None else (ExceptionRecord(7, code, flags, address, parameters, context),)
    return Snapshot(
        Origin("minidump"),
        System(os, cpu),
        threads=(Thread(7, context),),
        modules=modules,
        exceptions=exceptions,
        memory=Memory(memory),
        regions=regions,
    )
