"""The files of a Windows module: its image on disk and its PDB."""

import os
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from mdmp.binary.window import map_file
from mdmp.formats.pdb import Pdb
from mdmp.formats.pe.headers import PeImage, open_file
from mdmp.snapshot import DebugId, Module
from mdmp.snapshot.module import guid_text
from mdmp.symbols import layout
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import MISSING, Located, locate


def find_image(module: Module, folders: Folders) -> Located[PeImage]:
    """The image, checked by time stamp and size."""
    name, timestamp = layout.safe_name(module.path), module.timestamp
    if not name or timestamp is None:
        return Located(MISSING, note="the dump does not say which file it was")

    def objection(image: PeImage) -> str | None:
        if (image.timestamp, image.size) == (timestamp, module.size):
            return None
        want, have = f"{timestamp:08X}/{module.size:#x}", f"{image.timestamp:08X}/{image.size:#x}"
        return f"another build: the dump has time stamp/size {want}, the file {have}"

    layouts = [*layout.plain(name), *layout.store(name, layout.image_id(timestamp, module.size))]
    files = _on_this_machine(module.path, folders.candidates(layouts))
    return locate(files, lambda path: open_file(map_file(path)), objection, folders.tried)


def find_pdb(debug: DebugId, folders: Folders) -> Located[Pdb]:
    """The PDB, checked by GUID and age."""
    name = layout.safe_name(debug.path)
    if not name:
        return Located(MISSING, note="the name of its PDB is not usable")

    def objection(pdb: Pdb) -> str | None:
        if pdb.guid == debug.signature.ljust(16, b"\0") and debug.age in (pdb.age, pdb.info_age):
            return None
        want = f"{guid_text(debug.signature.ljust(16, bytes(1)))} age {debug.age}"
        return f"another build: the module wants {want}, the file is {guid_text(pdb.guid)} age {pdb.age}"

    layouts = [*layout.plain(name), *layout.store(name, debug.breakpad)]
    files = _on_this_machine(debug.path, folders.candidates(layouts))
    return locate(files, lambda path: Pdb(map_file(path)), objection, folders.tried)


def _on_this_machine(recorded: str, files: Iterator[Path]) -> Iterator[Path]:
    """`files`, then the very path that the dump recorded if this may be the machine (never a network path)."""
    yield from files
    if os.name == "nt" and PureWindowsPath(recorded).drive.endswith(":") and os.path.isfile(recorded):
        yield Path(recorded)
