"""Callers by tables that serve every CPU: DWARF call-frame information, and Breakpad's STACK CFI records."""

from collections.abc import Callable, Mapping

from mdmp.arch import Cpu
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.dwarf.cfa import Row
from mdmp.unwind.dwarf import apply_row
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.source import UnwindSource
from mdmp.unwind.stack_cfi import apply_stack_cfi

_MAX_CACHE = 1 << 14

Words = Mapping[str, tuple[str, ...]]


class CallFrames:
    """Remembers what the tables say of an address: return addresses come again and again."""

    def __init__(self, cpu: Cpu, source: UnwindSource, kept: frozenset[str]) -> None:
        self._cpu = cpu
        self._source = source
        self._kept = kept
        self._cache: dict[int, Row | Words | None] = {}

    def caller(self, frame: Frame, word: Callable[[int], int | None]) -> Caller | None:
        """The step by the tables of the frame's module; None when they do not tell or memory is missing."""
        tables = self._tables(frame.lookup)
        if tables is None:
            return None
        try:
            if isinstance(tables, Row):
                found = apply_row(tables, frame.registers, word, self._cpu)
                exact = tables.signal_frame
            else:
                found = apply_stack_cfi(tables, frame.registers, word, self._kept, self._cpu)
                exact = False
        except (FormatError, MemoryUnavailable):
            return None
        return Caller(found, "cfi", exact) if isinstance(found, dict) else None

    def _tables(self, address: int) -> Row | Words | None:
        if address not in self._cache:
            if len(self._cache) >= _MAX_CACHE:
                self._cache.clear()
            module = self._source.module_at(address)
            rva = address - module.base if module else 0
            self._cache[address] = (module.call_frame(rva) or module.stack_cfi(rva)) if module else None
        return self._cache[address]
