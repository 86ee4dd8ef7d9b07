"""The snapshot: everything that was seen of a process at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mdmp.binary.ranges import RangeMap
from mdmp.errors import Issue
from mdmp.snapshot.annotations import Annotations
from mdmp.snapshot.exception import ExceptionRecord
from mdmp.snapshot.function_table import FunctionTable
from mdmp.snapshot.handle import Handle
from mdmp.snapshot.linker import Linker
from mdmp.snapshot.memory import EmptyMemory, MemoryReader, Region
from mdmp.snapshot.module import Module, UnloadedModule
from mdmp.snapshot.origin import Attachment, Origin
from mdmp.snapshot.process import Process
from mdmp.snapshot.system import System
from mdmp.snapshot.thread import Thread


@dataclass(frozen=True)
class Snapshot:
    """A process at one moment. Small facts are eager; the bytes of memory and attachments are read when asked."""

    origin: Origin
    system: System
    process: Process = field(default_factory=Process)
    threads: tuple[Thread, ...] | None = None
    modules: tuple[Module, ...] | None = None
    """In the order of the source: the first is the program itself where the source keeps that custom."""
    unloaded_modules: tuple[UnloadedModule, ...] | None = None
    exceptions: tuple[ExceptionRecord, ...] = ()
    exceptions_lost: bool = False
    """There is, or may have been, a record of an exception that cannot be read; `issues` says why."""
    requesting_tid: int | None = None
    """The thread that asked for the dump, where the writer noted it."""
    memory: MemoryReader = field(default_factory=EmptyMemory)
    regions: Sequence[Region] | None = None
    """The memory map. Long: made when first asked for."""
    handles: tuple[Handle, ...] | None = None
    function_tables: tuple[FunctionTable, ...] | None = None
    auxv: tuple[tuple[int, int], ...] | None = None
    """The auxiliary vector that the Linux kernel gave the program: (AT_* key, value)."""
    linker: Linker | None = None
    annotations: Annotations = field(default_factory=Annotations)
    attachments: tuple[Attachment, ...] = ()
    issues: tuple[Issue, ...] = ()

    @cached_property
    def _module_map(self) -> RangeMap[Module]:
        return RangeMap((m.base, m.end, m) for m in self.modules or ())

    @cached_property
    def _region_map(self) -> RangeMap[Region]:
        return RangeMap((r.start, r.end, r) for r in self.regions or ())

    def module_at(self, address: int) -> Module | None:
        return self._module_map.get(address)

    def region_at(self, address: int) -> Region | None:
        return self._region_map.get(address)

    def thread(self, tid: int) -> Thread | None:
        return next((t for t in self.threads or () if t.tid == tid), None)

    def unloaded_at(self, address: int) -> tuple[UnloadedModule, ...]:
        """Modules that once lay over the address and were gone by then."""
        return tuple(m for m in self.unloaded_modules or () if m.base <= address < m.end)
