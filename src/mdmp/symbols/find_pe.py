"""The files of a Windows module: its image on disk and its PDB."""

import os
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from mdmp.binary.window import map_file
from mdmp.errors import FormatError, UnusableInputError
from mdmp.formats.clr import PortablePdb, is_portable_pdb
from mdmp.formats.pdb import Pdb
from mdmp.formats.pe.debug import read_codeview
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


def find_pdb(debug: DebugId, folders: Folders) -> Located[Pdb | PortablePdb]:
    """The PDB of either kind, checked by GUID and age (a portable one has no age)."""
    name = layout.safe_name(debug.path)
    if not name:
        return Located(MISSING, note="the name of its PDB is not usable")
    guid = debug.signature.ljust(16, b"\0")

    def objection(pdb: Pdb | PortablePdb) -> str | None:
        have = guid_text(pdb.guid)
        fits = pdb.guid == guid
        if isinstance(pdb, Pdb):
            have += f" age {pdb.age}"
            fits = fits and debug.age in (pdb.age, pdb.info_age)
        want = f"{guid_text(guid)} age {debug.age}"
        return None if fits else f"another build: the module wants {want}, the file is {have}"

    identities = (debug.breakpad, guid_text(guid).replace("-", "") + layout.PORTABLE_AGE)
    layouts = [*layout.plain(name), *(path for identity in identities for path in layout.store(name, identity))]
    files = _on_this_machine(debug.path, folders.candidates(layouts))
    return locate(files, open_pdb, objection, folders.tried)


def open_pdb(path: Path) -> Pdb | PortablePdb:
    """A PDB of either kind. Raises `UnusableInputError` or `FormatError`."""
    window = map_file(path)
    return PortablePdb(window) if is_portable_pdb(window) else Pdb(window)


def open_assembly(path: Path, guid: bytes) -> PeImage | None:
    """The image at `path` if it is the one whose PDB has this GUID."""
    try:
        image = open_file(map_file(path))
        record = read_codeview(image)
    except (FormatError, UnusableInputError):
        return None
    return image if record is not None and record.signature == guid else None


def _on_this_machine(recorded: str, files: Iterator[Path]) -> Iterator[Path]:
    """`files`, then the very path that the dump recorded if this may be the machine (never a network path)."""
    yield from files
    if os.name == "nt" and PureWindowsPath(recorded).drive.endswith(":") and os.path.isfile(recorded):
        yield Path(recorded)
