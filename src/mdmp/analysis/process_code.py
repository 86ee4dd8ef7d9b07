"""The code of the process, joined from dump memory, image files and PDBs, as unwinding and disassembly ask for it."""

from functools import cached_property

from mdmp.analysis.managed import ManagedCode
from mdmp.analysis.run_time_code import RunTimeCode
from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.snapshot import Snapshot
from mdmp.symbols.module_symbols import ModuleSymbols
from mdmp.symbols.symbols import Symbols
from mdmp.unwind import RunTimeFunction


class ProcessCode:
    """The modules and the memory map of a snapshot, as `mdmp.unwind` asks for them."""

    def __init__(self, snapshot: Snapshot, symbols: Symbols) -> None:
        self._snapshot = snapshot
        self._modules = RangeMap((m.base, m.end, symbols.of(m)) for m in snapshot.modules or ())
        self.managed = ManagedCode(snapshot, symbols)
        self._run_time = RunTimeCode(snapshot, self.managed.has_clr)

    def module_at(self, address: int) -> ModuleSymbols | None:
        return self._modules.get(address)

    def executable(self, address: int) -> bool | None:
        region = self._snapshot.region_at(address)
        if region is not None and region.protection:
            return "x" in region.protection
        if self._run_time.is_in_known_heap(address):
            return True
        return False if self._stacks.get(address) else None

    def run_time_function(self, address: int) -> RunTimeFunction | None:
        return self._run_time.function_at(address)

    def managed_kind(self, address: int) -> str | None:
        """What makes the code at an address a .NET method's: `jit`, `ahead-of-time`, or None."""
        if self.managed.runtime is None:
            return None
        loaded = self.module_at(address)
        made = loaded is None and self._run_time.function_at(address) is not None
        return self.managed.frame_kind(address, loaded.module if loaded else None, made)

    @cached_property
    def _stacks(self) -> RangeMap[bool]:
        """The threads' stacks: no code runs there, unless the memory map says so."""
        threads = self._snapshot.threads or ()
        return RangeMap(
            (t.stack_start, t.stack_start + t.stack_size, True) for t in threads if t.stack_start and t.stack_size
        )


class ProcessMemory:
    """The snapshot's memory, completed by image files: what the dump left out because a file has it."""

    def __init__(self, snapshot: Snapshot, code: ProcessCode) -> None:
        self._memory = snapshot.memory
        self._code = code

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        return self._memory.ranges

    def read(self, address: int, size: int) -> bytes:
        try:
            return self._memory.read(address, size)
        except MemoryUnavailable:
            module = self._code.module_at(address)
            if module is None:
                raise
            try:
                return module.read(address - module.base, size)
            except FormatError:
                raise MemoryUnavailable(address, size) from None

    def read_some(self, address: int, size: int) -> bytes:
        found = self._memory.read_some(address, size)
        while len(found) < size:
            room = min(size - len(found), 64)
            piece = b""
            while room and not piece:
                try:
                    piece = self.read(address + len(found), room)
                except MemoryUnavailable:
                    room //= 2
            if not piece:
                break
            found += piece
        return found

    def word(self, address: int, size: int) -> int | None:
        try:
            return int.from_bytes(self.read(address, size), "little")
        except MemoryUnavailable:
            return None
