"""Which .NET runtime is in the process, and which code is its own.

mdmp does not name managed methods: where their code came from only the runtime's own tables say. It marks such frames.
"""

import re
from typing import NamedTuple

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.exports import read_exports
from mdmp.formats.pe.headers import open_memory
from mdmp.formats.pe.managed import managed_kind
from mdmp.snapshot import Module, Snapshot
from mdmp.symbols.symbols import Symbols

JIT, AHEAD = "jit", "ahead-of-time"

_CORE = re.compile(r"(?:lib)?coreclr\.(?:dll|so|dylib)$", re.IGNORECASE)
_FRAMEWORK = re.compile(r"(?:clr|mscorwks|mscorsvr)\.dll$", re.IGNORECASE)
_MONO = re.compile(r"(?:lib)?mono(?:sgen|boehm|droid|bdwgc)?-2\.0(?:-\w+)?\.(?:dll|so|dylib)", re.IGNORECASE)
_SHARED = re.compile(r"[/\\]Microsoft\.NETCore\.App[/\\](\d+\.[^/\\]+)[/\\][^/\\]+$", re.IGNORECASE)
_ASSEMBLY = re.compile(r"\.(?:dll|exe|winmd)$", re.IGNORECASE)
_MAX_EXPORTS = 1024
"""A program with the runtime inside exports a few names; the rest need not be searched."""


class Runtime(NamedTuple):
    name: str
    """`.NET`, `.NET Framework`, `Mono`"""
    version: str | None
    module: str
    """The module that is or holds the runtime, with its file version where that is known."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.module})" if self.version else f"{self.name} ({self.module})"


def find_runtime(snapshot: Snapshot, symbols: Symbols) -> Runtime | None:
    """The first runtime among the modules; None without one (NativeAOT programs have none to speak of)."""
    modules = snapshot.modules or ()
    for module in modules:
        found = _by_name(module)
        if found is not None:
            return found
    return _in_program(modules[0], symbols) if modules and modules[0].os == "windows" else None


def _by_name(module: Module) -> Runtime | None:
    name = module.name
    shown = f"{name} {module.file_version}" if module.file_version else name
    if _CORE.fullmatch(name):
        version = core_version(module)
        is_old = (version or module.file_version or "")[:2] in ("1.", "2.", "3.", "4.")
        return Runtime(".NET Core" if is_old else ".NET", version, shown)
    if _FRAMEWORK.fullmatch(name):
        return Runtime(".NET Framework", framework_version(module.file_version), shown)
    if _MONO.match(name):
        return Runtime("Mono", None, shown)
    return None


def core_version(module: Module) -> str | None:
    """`8.0.10`: from the folder of the shared runtime, else from the version of the file.

    Since .NET 5 the file says 8.0.1024.46610: 10 is the patch, 24 the year, the rest the day's build.
    """
    folder = _SHARED.search(module.path)
    if folder:
        return folder[1]
    parts = (module.file_version or "").split(".")
    if len(parts) != 4 or not parts[0].isdigit() or not parts[2].isdigit():
        return None
    if int(parts[0]) >= 5:
        return f"{parts[0]}.{parts[1]}.{int(parts[2]) // 100}"
    return "3.x" if parts[:2] == ["4", "700"] else None


def framework_version(file_version: str | None) -> str | None:
    """`4.8` from 4.8.4210.0. Before 4.5 the number is that of the runtime: 2.0 serves the Frameworks 2.0 to 3.5."""
    parts = (file_version or "").split(".")
    return ".".join(parts[:2]) if len(parts) == 4 else None


def _in_program(module: Module, symbols: Symbols) -> Runtime | None:
    """A program with the runtime inside it (single-file), known by what it exports for debuggers."""
    image = symbols.of(module).pe_image()
    try:
        place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_EXPORT) if image else None
        if image is None or place is None:
            return None
        header = wire.IMAGE_EXPORT_DIRECTORY.read(image.part(place.VirtualAddress, 40, "IMAGE_EXPORT_DIRECTORY"))
        if header.NumberOfNames > _MAX_EXPORTS:
            return None
        names = {export.name for export in read_exports(image)}
    except (FormatError, MemoryUnavailable):
        return None
    if "DotNetRuntimeInfo" in names:
        return Runtime(".NET", None, f"inside {module.name}")
    return None


class ManagedCode:
    """Tells managed code from native, in a process with a .NET runtime."""

    def __init__(self, snapshot: Snapshot, symbols: Symbols) -> None:
        self.runtime = find_runtime(snapshot, symbols)
        self._snapshot = snapshot
        self._symbols = symbols
        self._kinds: dict[int, str | None] = {}

    @property
    def has_clr(self) -> bool:
        """CoreCLR or the .NET Framework; Mono keeps its code otherwise."""
        return self.runtime is not None and self.runtime.name != "Mono"

    def module_kind(self, module: Module) -> str | None:
        """`il`, `ready-to-run`, `native image` or `mixed`; None for a native module, or when no image is at hand.

        Makes sense with a runtime only. No file is searched for: what the dump's memory holds decides.
        """
        if module.base not in self._kinds:
            self._kinds[module.base] = self._module_kind(module)
        return self._kinds[module.base]

    def _module_kind(self, module: Module) -> str | None:
        if not _ASSEMBLY.search(module.name):
            return None
        try:  # on Linux and macOS as well: there, assemblies are mapped PE images all the same
            return managed_kind(open_memory(self._snapshot.memory, module.base, module.size))
        except (FormatError, MemoryUnavailable):
            return None

    def frame_kind(self, address: int, module: Module | None, made_at_run_time: bool) -> str | None:
        """What makes a frame at `address` a managed one: `jit`, `ahead-of-time`, or None.

        Outside of all modules the memory map has to say that it is code, and that of no file: compiled methods, and
        the small stubs that the runtime makes for them.
        """
        if module is not None:
            kind = self.module_kind(module) or self._kind_by_file(module)
            # Outside Windows nothing but .NET maps such files, whether their headers are in the dump or not.
            by_name = kind is None and module.os != "windows" and _ASSEMBLY.search(module.name)
            return AHEAD if by_name or kind in ("ready-to-run", "native image") else None
        if made_at_run_time:
            return JIT
        region = self._snapshot.region_at(address)
        if region is None or "x" not in region.protection or region.kind == "image":
            return None
        return JIT if not region.name or "doublemapper" in region.name else None

    def _kind_by_file(self, module: Module) -> str | None:
        return self._symbols.of(module).managed_kind
