"""Symbols of one file by itself, without a dump: a debug file, or an image with whatever debug file it leads to.

Readers are imported when a file needs them: a single look-up takes little longer than the imports do.
"""

import os
from collections.abc import Callable
from pathlib import Path

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError, UnusableInputError
from mdmp.symbols.frame import SymbolSource
from mdmp.symbols.path import Place

AnyPath = str | os.PathLike[str]
Places = tuple[Place, ...]


def open_symbols(
    path: AnyPath,
    *,
    pdb: AnyPath | None = None,
    image: AnyPath | None = None,
    cpu: str | None = None,
    places: Places = (),
    index_folder: Path | None = None,
) -> SymbolSource:
    """What answers for the addresses of `path`, which are relative to the image base (ELF: as linked).

    For a PE image, `pdb` names its PDB; without it the debug file is searched in `places` and beside the image. For a
    portable PDB, `image` is the assembly, which knows the names; without it the one beside the PDB is used if it fits.
    `cpu` says which part of a universal Mach-O file is asked.
    Raises `UnusableInputError` for a file that holds no symbols that we read.
    """
    if pdb is not None:
        path, image = pdb, path
    window = map_file(path)
    head = window.read(0, min(16, window.size))
    opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), None)
    if opener is None:
        raise UnusableInputError(f"{path}: not a PDB, a symbol file or an image (it starts with {head[:8]!r})")
    try:
        if opener is _open_portable_pdb:
            return _open_portable_pdb(window, Path(path), places, index_folder, Path(image) if image else None)
        if opener is _open_macho:
            return _open_macho(window, Path(path), places, index_folder, cpu)
        return opener(window, Path(path), places, index_folder)
    except FormatError as problem:
        raise UnusableInputError(f"{path}: {problem}") from None


def _open_pdb(window: Window, path: Path, places: Places, index_folder: Path | None) -> SymbolSource:
    from mdmp.formats.pdb import Pdb
    from mdmp.symbols.pdb_source import PdbSource

    return PdbSource(Pdb(window))


def _open_portable_pdb(
    window: Window, path: Path, places: Places, index_folder: Path | None, image: Path | None = None
) -> SymbolSource:
    from mdmp.formats.clr import PortablePdb
    from mdmp.symbols.find_pe import open_assembly
    from mdmp.symbols.managed_source import ManagedSource

    pdb = PortablePdb(window)
    if image is not None:
        assembly = open_assembly(image, pdb.guid)
        if assembly is None:
            raise UnusableInputError(f"{image}: not the image that {path} belongs to")
        return ManagedSource(pdb, assembly)
    for beside in (path.with_suffix(".dll"), path.with_suffix(".exe")):
        assembly = open_assembly(beside, pdb.guid) if beside.is_file() else None
        if assembly is not None:
            return ManagedSource(pdb, assembly)
    return ManagedSource(pdb, None)


def _open_sym(window: Window, path: Path, places: Places, index_folder: Path | None) -> SymbolSource:
    from mdmp.formats.breakpad import SymFile
    from mdmp.symbols.sym_source import SymSource

    return SymSource(SymFile.open(path, index_folder))


def _open_pe(window: Window, path: Path, places: Places, index_folder: Path | None) -> SymbolSource:
    from mdmp.formats.pe.headers import open_file
    from mdmp.snapshot import EmptyMemory, Module
    from mdmp.symbols.symbols import Symbols

    image = open_file(window)
    module = Module(base=0, size=image.size, path=path.name, timestamp=image.timestamp, os="windows")
    return Symbols(
        EmptyMemory(),
        symbols=(*places, Place(str(path.parent), "beside the image")),
        images=(Place(str(path), "given"),),
        index_folder=index_folder,
    ).of(module)


def _open_elf(window: Window, path: Path, places: Places, index_folder: Path | None) -> SymbolSource:
    from mdmp.formats.elf.elf import Elf
    from mdmp.symbols.elf_source import ElfSource
    from mdmp.symbols.find_elf import find_debug_file
    from mdmp.symbols.folders import Folders

    elf = Elf(window)
    if elf.dwarf is None:
        folders = Folders((*places, Place(str(path.parent), "beside the image")))
        elf = Elf(window, find_debug_file(path.name, elf, None, folders).file)
    return ElfSource(elf, as_linked=True)


def _open_macho(
    window: Window, path: Path, places: Places, index_folder: Path | None, cpu: str | None = None
) -> SymbolSource:
    from mdmp.formats.macho import is_macho, open_file
    from mdmp.symbols.find_macho import find_dsym, identity
    from mdmp.symbols.folders import Folders
    from mdmp.symbols.macho_source import MachOSource

    if not is_macho(window):
        raise UnusableInputError(f"{path}: not a universal Mach-O file (a Java class?)")
    macho = open_file(window, cpu)
    if cpu is not None and macho.machine != cpu:
        raise UnusableInputError(f"{path}: no part of it is for {cpu}; there is one for {macho.machine}")
    if macho.dwarf is None:
        folders = Folders((*places, Place(str(path.parent), "beside the image")))
        macho.debug = find_dsym(path.name, identity(macho), folders).file
    return MachOSource(macho)


_OPENERS: tuple[tuple[bytes, Callable[[Window, Path, Places, Path | None], SymbolSource]], ...] = (
    (b"Microsoft C/C++ ", _open_pdb),
    (b"BSJB", _open_portable_pdb),
    (b"MZ", _open_pe),
    (b"\x7fELF", _open_elf),
    (b"MODULE ", _open_sym),
    (b"\xcf\xfa\xed\xfe", _open_macho),
    (b"\xce\xfa\xed\xfe", _open_macho),
    (b"\xca\xfe\xba\xbe", _open_macho),
    (b"\xca\xfe\xba\xbf", _open_macho),
)
