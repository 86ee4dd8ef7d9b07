"""The files of one module: its image, in the process's memory and on disk, and its debug files; opened when asked."""

from functools import cached_property
from pathlib import Path

from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.breakpad import SymFile
from mdmp.formats.clr import PortablePdb, unpack_embedded
from mdmp.formats.elf import Elf, LoadedElf
from mdmp.formats.macho import MachO
from mdmp.formats.pdb import Pdb
from mdmp.formats.pe.debug import read_codeview
from mdmp.formats.pe.headers import PeImage, open_memory
from mdmp.formats.pe.image import LayeredImage, MemoryImage
from mdmp.formats.pe.managed import managed_kind, read_embedded_pdb
from mdmp.snapshot import DebugId, MemoryReader, Module
from mdmp.symbols.find_elf import find_debug_file, find_elf
from mdmp.symbols.find_macho import find_dsym, find_macho, identity
from mdmp.symbols.find_pe import find_image, find_pdb
from mdmp.symbols.find_sym import find_sym
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import DAMAGED, FOUND, MISSING, Located

_KINDS = {"RSDS": "pdb70", "NB10": "pdb20"}
_ELF_SYSTEMS = ("linux", "android", "fuchsia", "solaris", "nacl")
_APPLE_SYSTEMS = ("macos", "ios")
_SPAN = 1 << 47
"""Bytes that an Apple image may be spread over: dumps tell the size of its first segment only."""


class ModuleFiles:
    """Everything that can be known of one module beyond what the snapshot says of it."""

    def __init__(
        self, module: Module, memory: MemoryReader, images: Folders, symbols: Folders, index_folder: Path | None
    ) -> None:
        self.module = module
        self.is_elf = module.os in _ELF_SYSTEMS
        self.is_macho = module.os in _APPLE_SYSTEMS
        self.is_pe = module.os in ("windows", None)
        self._memory = memory
        self._images = images
        self._symbols = symbols
        self._index_folder = index_folder

    @cached_property
    def image_in_memory(self) -> PeImage | None:
        """The PE image as the snapshot's memory holds it, if at least its headers are kept."""
        try:
            return open_memory(self._memory, self.module.base, self.module.size) if self.is_pe else None
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def image_file(self) -> Located[PeImage]:
        return find_image(self.module, self._images) if self.is_pe else Located(MISSING)

    @cached_property
    def image(self) -> PeImage | None:
        """The PE image from all places at once: what memory does not hold comes from the file."""
        in_memory, on_disk = self.image_in_memory, self.image_file.file
        if in_memory is None or on_disk is None:
            return in_memory or on_disk
        return PeImage(LayeredImage(in_memory.data, on_disk.data))

    @cached_property
    def debug(self) -> DebugId | None:
        """The identity of the debug information: from the dump, else from the image."""
        if self.module.debug is not None:
            return self.module.debug
        if self.is_elf:
            build_id = self.elf_in_memory.build_id if self.elf_in_memory else None
            return DebugId("elf", build_id, 0, "") if build_id else None
        if self.is_macho:
            return identity(self.macho_in_memory) if self.macho_in_memory else None
        try:
            record = read_codeview(self.image) if self.image else None
        except (FormatError, MemoryUnavailable):
            record = None
        return DebugId(_KINDS[record.kind], record.signature, record.age, record.path) if record else None

    @cached_property
    def managed_kind(self) -> str | None:
        """Which kind of .NET image it is, as `formats.pe.managed` says; None: it is none, or no image is at hand."""
        return managed_kind(self.image) if self.image else None

    @cached_property
    def pdb(self) -> Located[Pdb | PortablePdb]:
        """The PDB; a portable one inside the image is the right one by itself."""
        debug = self.debug
        embedded = self._embedded_pdb() if self.managed_kind else None
        if embedded is not None and embedded.file:
            return embedded
        if debug is not None and self.is_pe and debug.kind in _KINDS.values():
            found = find_pdb(debug, self._symbols)
            return embedded if embedded and not found.file else found
        if debug is not None or not self.is_pe:
            return Located(MISSING, note="it has no PDB")
        known = self.image is not None
        why = "its image names no PDB" if known else "neither the dump nor an image names its PDB"
        return Located(MISSING, note=why, tried=() if known else self._images.tried)

    @property
    def native_pdb(self) -> Pdb | None:
        """The PDB, if it is one that describes native code."""
        return self.pdb.file if isinstance(self.pdb.file, Pdb) else None

    def _embedded_pdb(self) -> Located[PortablePdb] | None:
        """None when the image has none, or the memory of the process does not hold it."""
        path = self.image_file.path
        try:
            packed = read_embedded_pdb(self.image) if self.image else None
            return Located(FOUND, path, PortablePdb(unpack_embedded(packed))) if packed is not None else None
        except MemoryUnavailable:
            return None
        except FormatError as damage:
            return Located(DAMAGED, path, note=str(damage))

    @cached_property
    def sym(self) -> Located[SymFile]:
        """The Breakpad symbol file."""
        if self.debug is None:
            return Located(MISSING)
        return find_sym(self.debug, self.module.name, self._symbols, self._index_folder)

    @cached_property
    def elf_in_memory(self) -> LoadedElf | None:
        try:
            image = MemoryImage(self._memory, self.module.base, self.module.size)
            return LoadedElf(image, self.module.base) if self.is_elf else None
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def elf_file(self) -> Located[Elf]:
        return find_elf(self.module, self.debug, self._images, self._memory) if self.is_elf else Located(MISSING)

    @cached_property
    def elf(self) -> Elf | None:
        """The ELF file to ask: the image with its debug file, or the debug file alone."""
        image = self.elf_file.file
        if image is not None and image.dwarf is not None:
            return image
        split = self.elf_debug_file.file
        if image is None or split is None:
            return image or split
        return Elf(image.window, split)

    @cached_property
    def elf_debug_file(self) -> Located[Elf]:
        if not self.is_elf:
            return Located(MISSING)
        return find_debug_file(self.module.path, self.elf_file.file, self.debug, self._symbols)

    @cached_property
    def macho_in_memory(self) -> MachO | None:
        try:
            return MachO.in_memory(MemoryImage(self._memory, self.module.base, _SPAN)) if self.is_macho else None
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def macho_file(self) -> Located[MachO]:
        return find_macho(self.module, self.debug, self._images) if self.is_macho else Located(MISSING)

    @cached_property
    def dsym(self) -> Located[MachO]:
        return find_dsym(self.module.path, self.debug, self._symbols) if self.is_macho else Located(MISSING)

    @cached_property
    def macho(self) -> MachO | None:
        """The Mach-O file to ask: the image with its debug information, or either alone."""
        image, dsym = self.macho_file.file, self.dsym.file
        if image is not None and dsym is not None and image.dwarf is None:
            image.debug = dsym
        return image or dsym
