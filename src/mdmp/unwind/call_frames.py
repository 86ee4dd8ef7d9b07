"""Callers by tables that serve several CPUs: Apple's compact unwind encodings, DWARF call-frame information, and
Breakpad's STACK CFI records."""

from collections.abc import Callable, Mapping

from mdmp.arch import Cpu
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.dwarf.cfa import Row
from mdmp.unwind.compact_unwind import rule_at
from mdmp.unwind.dwarf import apply_row
from mdmp.unwind.frame import Caller, Frame
from mdmp.unwind.rule import Rule, apply_rule
from mdmp.unwind.source import UnwindModule, UnwindSource
from mdmp.unwind.stack_cfi import apply_stack_cfi

_MAX_CACHE = 1 << 14
_ADDRESS_BITS = 47
_SWIFT_ASYNC = 1 << 60 - _ADDRESS_BITS
"""Asynchronous functions of Swift set bit 60 of the frame pointer that they save."""

Words = Mapping[str, tuple[str, ...]]


class CallFrames:
    """Remembers what the tables say of an address: return addresses come again and again."""

    def __init__(self, cpu: Cpu, source: UnwindSource, kept: frozenset[str]) -> None:
        self._cpu = cpu
        self._source = source
        self._kept = kept
        self._kept_in_order = tuple(sorted(kept))
        self._cache: dict[int, Rule | Row | Words | None] = {}

    def caller(self, frame: Frame, word: Callable[[int], int | None]) -> Caller | None:
        """The step by the tables of the frame's module; None when they do not tell or memory is missing."""
        tables = self._tables(frame.lookup, frame.lookup == frame.instruction)
        if tables is None:
            return None
        cpu = self._cpu
        found: dict[str, int] | int | None
        try:
            if isinstance(tables, Rule):
                found = apply_rule(tables, frame.registers, word, self._kept_in_order, cpu.pc, cpu.sp, cpu.lr, cpu.mask)
                exact = tables.exact
                if isinstance(found, dict) and found.get(cpu.fp, 0) >> _ADDRESS_BITS == _SWIFT_ASYNC:
                    found[cpu.fp] &= (1 << _ADDRESS_BITS) - 1
            elif isinstance(tables, Row):
                found = apply_row(tables, frame.registers, word, cpu)
                exact = tables.signal_frame
            else:
                found = apply_stack_cfi(tables, frame.registers, word, self._kept, cpu)
                exact = False
        except (FormatError, MemoryUnavailable):
            return None
        return Caller(found, "cfi", exact) if isinstance(found, dict) else None

    def _tables(self, address: int, exact: bool) -> Rule | Row | Words | None:
        key = address * 2 + exact
        if key not in self._cache:
            if len(self._cache) >= _MAX_CACHE:
                self._cache.clear()
            module = self._source.module_at(address)
            self._cache[key] = self._of_module(module, address - module.base, exact) if module else None
        return self._cache[key]

    def _of_module(self, module: UnwindModule, rva: int, exact: bool) -> Rule | Row | Words | None:
        entry = module.compact_unwind(rva)
        rule = rule_at(entry, self._cpu.name, rva, exact, code_reader(module)) if entry else None
        return rule or module.call_frame(rva) or module.stack_cfi(rva)


def code_reader(module: UnwindModule) -> Callable[[int, int], bytes]:
    """Reads code, or none where some of it is not at hand."""

    def read(rva: int, size: int) -> bytes:
        try:
            return module.read(rva, size)
        except (FormatError, MemoryUnavailable):
            return b""

    return read
