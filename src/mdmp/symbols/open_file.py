"""Symbols of one file by itself, without a dump: a PDB, or an image with whatever debug information it leads to."""

import os
from collections.abc import Callable
from pathlib import Path

from mdmp.binary.window import Window, map_file
from mdmp.errors import FormatError, UnusableInputError
from mdmp.formats.pdb import Pdb
from mdmp.formats.pe.headers import open_file
from mdmp.snapshot import EmptyMemory, Module
from mdmp.symbols.frame import SymbolSource
from mdmp.symbols.path import Place
from mdmp.symbols.pdb_source import PdbSource
from mdmp.symbols.symbols import ModuleSymbols, Symbols

AnyPath = str | os.PathLike[str]


def open_symbols(
    path: AnyPath, *, image: AnyPath | None = None, pdb: AnyPath | None = None, places: tuple[Place, ...] = ()
) -> SymbolSource | ModuleSymbols:
    """What answers for the addresses of `path`, which are relative to the image base.

    For an image, `pdb` names its PDB; without it, the PDB is searched in `places` and beside the image. `image`
    goes with a PDB given as `path`. Raises `UnusableInputError` for a file that holds no symbols that we read.
    """
    window = map_file(path)
    kind = next((name for magic, name in _MAGIC if window.read(0, min(len(magic), window.size)) == magic), None)
    if kind is None:
        raise UnusableInputError(
            f"{path}: not a PDB or an image (it starts with {window.read(0, min(8, window.size))!r})"
        )
    return _OPENERS[kind](window, Path(path), pdb, places)


def _open_pdb(
    window: Window, path: Path, pdb: AnyPath | None, places: tuple[Place, ...]
) -> SymbolSource | ModuleSymbols:
    return PdbSource(Pdb(window))


def _open_image(
    window: Window, path: Path, pdb: AnyPath | None, places: tuple[Place, ...]
) -> SymbolSource | ModuleSymbols:
    if pdb is not None:
        return PdbSource(Pdb(map_file(pdb)))
    try:
        image = open_file(window)
    except FormatError as problem:
        raise UnusableInputError(f"{path}: {problem}") from None
    module = Module(base=0, size=image.size, path=path.name, timestamp=image.timestamp, os="windows")
    return Symbols(
        EmptyMemory(),
        symbols=(*places, Place(str(path.parent), "beside the image")),
        images=(Place(str(path), "given"),),
    ).of(module)


_MAGIC = ((b"Microsoft C/C++ ", "pdb"), (b"BSJB", "pdb"), (b"MZ", "image"))
_OPENERS: dict[str, Callable[[Window, Path, AnyPath | None, tuple[Place, ...]], SymbolSource | ModuleSymbols]] = {
    "pdb": _open_pdb,
    "image": _open_image,
}
