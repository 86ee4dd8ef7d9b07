"""The report: plain frozen facts, complete enough that every renderer works from them alone.

Addresses are virtual addresses of the crashed process; offsets say in their name what they are relative to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mdmp.errors import Issue


@dataclass(frozen=True, slots=True)
class InlineFrame:
    """A function that the compiler put inside the frame's own function."""

    function: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class SourceContext:
    """Lines of source around a place."""

    path: str
    """The file that was read."""
    first_line: int
    lines: tuple[str, ...]
    line: int
    verified: bool | None
    """Whether the file is the very one that was compiled (checksum equal); None: the symbols hold no checksum."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One physical frame of a stack, with the inline functions inside it (innermost first)."""

    index: int
    instruction: int
    """The program counter in this frame: for callers the return address."""
    lookup: int
    """The address looked up: inside the call instruction for callers."""
    trust: str
    """How the frame was found: `context`, `cfi`, `frame_pointer`, `cfi_scan`, `scan`, `prewalked`."""
    stack_pointer: int | None = None
    module: str | None = None
    """Base name of the module."""
    module_offset: int | None = None
    """`lookup` relative to the module's base."""
    function: str | None = None
    function_offset: int | None = None
    """`lookup` relative to the function's first instruction."""
    file: str | None = None
    line: int | None = None
    inlines: tuple[InlineFrame, ...] = ()
    missing_symbols: bool = True
    """No debug information was found for the module (an export's name is not debug information)."""
    unloaded_modules: tuple[tuple[str, int], ...] = ()
    """Modules that once lay here: (base name, offset in it)."""
    registers: Mapping[str, int] = field(default_factory=dict)
    """Registers known in this frame."""
    source: SourceContext | None = None
    managed: str | None = None
    """Code of .NET, whose methods are not named: `jit` (compiled at run time) or `ahead-of-time`."""

    @property
    def innermost(self) -> InlineFrame | None:
        """Where the processor really was: the innermost inline function, else the function itself."""
        if self.inlines:
            return self.inlines[0]
        return InlineFrame(self.function, self.file, self.line) if self.function else None


@dataclass(frozen=True, slots=True)
class ThreadReport:
    index: int
    tid: int
    name: str | None
    frames: tuple[Frame, ...]
    stop: str
    """Why the walk ended."""
    last_error: int | None = None
    last_error_name: str | None = None
    wrote_the_dump: bool = False


@dataclass(frozen=True, slots=True)
class SymbolState:
    """What became of the search for a module's symbols, or for its image."""

    status: str
    """`found`, `missing`, `mismatched`, `damaged`, or `not searched` when nothing asked for it."""
    path: str | None = None
    """The file in use."""
    note: str | None = None
    """What a person should know: which identity was expected and found, what is damaged."""
    tried: tuple[str, ...] = ()
    """Where we looked, in order."""
    format: str | None = None
    """`pdb`, `exports`…"""


@dataclass(frozen=True, slots=True)
class ModuleReport:
    base: int
    size: int
    name: str
    path: str
    version: str | None
    code_id: str | None
    debug_id: str | None
    debug_file: str | None
    """Base name of the debug file."""
    symbols: SymbolState
    image: SymbolState
    timestamp: int | None = None
    managed: str | None = None
    """A .NET image: `il`, `ready-to-run`, `native image` (NGEN) or `mixed` (C++/CLI); None where no image told."""


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """A memory operand of the faulting instruction, valued."""

    address: int
    size: int | None
    access: str
    """`read`, `write`, `read_write`, `execute` or `unknown`."""
    expression: str
    """`rcx + 0x18` with the registers' own names."""
    is_likely_guard_page: bool = False


@dataclass(frozen=True, slots=True)
class Crash:
    """What stopped the process."""

    reason: str
    """minidump-stackwalk's words: `EXCEPTION_ACCESS_VIOLATION_WRITE`, `SIGSEGV / SEGV_MAPERR`."""
    title: str
    """One plain English line: `write to a null pointer (address 0x18)`."""
    code: int | None = None
    code_name: str | None = None
    """The name in the system's own table: `STATUS_ACCESS_VIOLATION`."""
    address: int | None = None
    access: str | None = None
    """`read`, `write` or `execute` for access violations."""
    real_address: int | None = None
    """The address the instruction really used, where the system could not report it (a non-canonical one)."""
    null_offset: int | None = None
    """`address` is this far from a null pointer that a register held."""
    parameters: tuple[int, ...] = ()
    details: tuple[str, ...] = ()
    """Further facts, a line each."""
    instruction: str | None = None
    """The faulting instruction, disassembled."""
    explanation: str | None = None
    """The instruction and its operands in words: `null + 0x18 through rcx`."""
    memory_accesses: tuple[MemoryAccess, ...] = ()
    assertion: str | None = None
    requested: bool = False
    """The dump was asked for; nothing crashed."""


@dataclass(frozen=True, slots=True)
class Blame:
    """The frame to blame, and why that one."""

    thread_index: int
    frame_index: int
    function: str | None
    module: str | None
    file: str | None
    line: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A guess about the cause, with its evidence."""

    kind: str
    """Stable identifier: `null-dereference`, `stack-overflow`…"""
    category: str
    """`memory corruption`, `pointer misuse`, `logic error`, `resource`, `environment`, or `no crash`."""
    title: str
    confidence: str
    """`certain`, `likely` or `possible`."""
    evidence: tuple[str, ...] = ()
    """Facts for it."""
    against: tuple[str, ...] = ()
    """Facts against it."""
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class DumpFacts:
    """Of the dump itself."""

    kind: str
    path: str | None
    size: int | None
    time: datetime | None
    writer: str | None
    memory_bytes: int
    """Bytes of process memory kept."""
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    dump: DumpFacts
    os: str
    """`windows`, `linux`…, as `System.os`."""
    os_name: str
    """minidump-stackwalk's word: `Windows NT`, `Linux`, `Mac OS X`…"""
    os_version: str | None
    """Version and build: `10.0.19045 Service Pack 1`."""
    cpu: str
    pointer_size: int
    cpu_info: str | None
    cpu_count: int | None
    pid: int | None
    uptime: timedelta | None
    """From the process's start to the dump."""
    crash: Crash
    crashing_thread: int | None
    """Index into `threads`."""
    threads: tuple[ThreadReport, ...]
    modules: tuple[ModuleReport, ...]
    main_module: int | None
    """Index into `modules`."""
    unloaded_modules: tuple[ModuleReport, ...] = ()
    os_product: str | None = None
    """The marketing name where it is known: `Windows 10 22H2`."""
    command_line: str | None = None
    """The program's arguments, where the dump keeps them."""
    blame: Blame | None = None
    signature: str | None = None
    failure_bucket_id: str | None = None
    failure_id_hash: str | None = None
    findings: tuple[Finding, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    lsb_release: Mapping[str, str] = field(default_factory=dict)
    mac_crash_info: tuple[Mapping[str, str | int], ...] | None = None
    mac_boot_args: str | None = None
    soft_errors: str | None = None
    runtime: str | None = None
    """The .NET runtime in the process: `.NET 8.0.10 (coreclr.dll 8.0.1024.46610)`."""
    handle_count: int | None = None
    linux_memory_map_count: int | None = None
    issues: tuple[Issue, ...] = ()
    """Parts of the input that were damaged, and what that cost."""
