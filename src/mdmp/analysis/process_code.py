"""The code of the process, joined from dump memory, image files and PDBs, as unwinding and disassembly ask for it."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from mdmp.analysis.managed import ManagedCode
from mdmp.analysis.run_time_code import RunTimeCode
from mdmp.binary.ranges import RangeMap
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.breakpad import StackWin
from mdmp.formats.dwarf.cfa import Row
from mdmp.formats.elf import Elf, LoadedElf
from mdmp.formats.elf.structs import PF_X, PT_LOAD
from mdmp.formats.macho import MachO, UnwindEntry
from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pe.headers import PeImage
from mdmp.snapshot import Module, Snapshot
from mdmp.symbols.symbols import ModuleSymbols, Symbols
from mdmp.unwind import RunTimeFunction


class LoadedModule:
    """One module of the process with its image and symbols, each opened when first asked for."""

    def __init__(self, module: Module, symbols: ModuleSymbols) -> None:
        self.module = module
        self.symbols = symbols
        self.base = module.base
        self.end = module.end

    def read(self, rva: int, size: int) -> bytes:
        """Bytes of the image; `FormatError` or `MemoryUnavailable`."""
        files = self.symbols.files
        if files.image:
            return files.image.read(rva, size)
        for elf in (files.elf_in_memory, files.elf_file.file):
            try:
                if isinstance(elf, LoadedElf):
                    return elf.image.read(rva, size)
                if elf:
                    return _read_linked(elf, rva + elf.load_address, size)
            except (FormatError, MemoryUnavailable):
                continue
        for macho in self._machos():
            try:
                return macho.read(rva + macho.load_address, size)
            except (FormatError, MemoryUnavailable):
                continue
        raise MemoryUnavailable(self.base + rva, size)

    def _machos(self) -> Iterator[MachO]:
        files = self.symbols.files
        for macho in (files.macho_in_memory, files.macho_file.file):
            if macho:
                yield macho

    def executable(self, rva: int) -> bool | None:
        files = self.symbols.files
        if files.image:
            return files.image.is_executable(rva) if files.image.sections else None
        elf = files.elf_in_memory or files.elf_file.file
        if elf:
            address = rva + elf.load_address
            return any(
                segment.type == PT_LOAD
                and segment.flags & PF_X
                and 0 <= address - segment.address < segment.memory_size
                for segment in elf.segments
            )
        for macho in self._machos():
            return macho.executable(rva + macho.load_address)
        # Where nothing is known of a Windows image, its first page is the headers.
        return False if files.is_pe and rva < 0x1000 else None

    def pe_image(self) -> PeImage | None:
        return self.symbols.files.image

    def frame_data(self, rva: int) -> FrameData | None:
        pdb, sym = self.symbols.files.native_pdb, self.symbols.files.sym.file
        if pdb:
            return pdb.frame_data(rva) or pdb.fpo(rva)
        record = sym.stack_win(rva) if sym else None
        return _frame_data(record) if record else None

    def compact_unwind(self, rva: int) -> UnwindEntry | None:
        for macho in self._machos():
            entry = macho.unwind_entry(rva)
            if entry:
                return entry
        return None

    def call_frame(self, rva: int) -> Row | None:
        files = self.symbols.files
        for image in (files.elf, files.elf_in_memory, files.macho, files.macho_in_memory):
            row = image.row(rva + image.load_address) if image else None
            if row:
                return row
        return None

    def stack_cfi(self, rva: int) -> Mapping[str, tuple[str, ...]] | None:
        sym = self.symbols.files.sym.file
        found = sym.cfi(rva) if sym else None
        return found.rules if found else None


def _frame_data(record: StackWin) -> FrameData:
    """A STACK WIN record is the PDB's record, written as text."""
    return FrameData(
        start=record.start,
        size=record.size,
        local_size=record.local_size,
        params_size=record.parameter_size,
        max_stack=record.max_stack_size,
        program=record.program or "",
        prolog_size=record.prologue_size,
        saved_regs_size=record.saved_register_size,
        flags=0,
        type="framedata" if record.program else "fpo",
        has_seh=False,
        uses_base_pointer=record.allocates_base_pointer,
    )


def _read_linked(elf: Elf, address: int, size: int) -> bytes:
    """Bytes of an ELF file by address as linked; `FormatError` when no segment holds them all."""
    for segment in elf.segments:
        at = address - segment.address
        if segment.type == PT_LOAD and at >= 0 and at + size <= segment.file_size:
            return elf.window.read(segment.offset + at, size)
    raise FormatError("segments", f"none holds {size:#x} bytes", address)


class ProcessCode:
    """The modules and the memory map of a snapshot, as `mdmp.unwind` asks for them."""

    def __init__(self, snapshot: Snapshot, symbols: Symbols) -> None:
        self._snapshot = snapshot
        self._modules = RangeMap((m.base, m.end, LoadedModule(m, symbols.of(m))) for m in snapshot.modules or ())
        self.managed = ManagedCode(snapshot, symbols)
        self._run_time = RunTimeCode(snapshot, self.managed.has_clr)

    def module_at(self, address: int) -> LoadedModule | None:
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
