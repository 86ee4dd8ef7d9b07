"""The files of one module: its image (in the process's memory and on disk) and its PDB, opened when first asked."""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PureWindowsPath

from mdmp.binary.window import map_file
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pdb import Pdb
from mdmp.formats.pe.debug import read_codeview
from mdmp.formats.pe.headers import PeImage, open_file, open_memory
from mdmp.formats.pe.image import LayeredImage
from mdmp.snapshot import DebugId, MemoryReader, Module
from mdmp.snapshot.module import guid_text
from mdmp.symbols import layout
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import MISSING, Located, locate

_KINDS = {"RSDS": "pdb70", "NB10": "pdb20"}


class ModuleFiles:
    """Everything that can be known of one module beyond what the snapshot says of it."""

    def __init__(self, module: Module, memory: MemoryReader, images: Folders, symbols: Folders) -> None:
        self.module = module
        self._memory = memory
        self._images = images
        self._symbols = symbols

    @cached_property
    def image_in_memory(self) -> PeImage | None:
        """The image as the snapshot's memory holds it, if at least its headers are kept."""
        try:
            return open_memory(self._memory, self.module.base, self.module.size)
        except (FormatError, MemoryUnavailable):
            return None

    @cached_property
    def image_file(self) -> Located[PeImage]:
        """The image on disk, checked by time stamp and size."""
        name, module = layout.safe_name(self.module.path), self.module
        if not name or module.timestamp is None:
            return Located(MISSING, note="the dump does not say which file it was")
        timestamp = module.timestamp

        def objection(image: PeImage) -> str | None:
            if (image.timestamp, image.size) == (timestamp, module.size):
                return None
            want, have = f"{timestamp:08X}/{module.size:#x}", f"{image.timestamp:08X}/{image.size:#x}"
            return f"another build: the dump has time stamp/size {want}, the file {have}"

        layouts = [*layout.plain(name), *layout.store(name, layout.image_id(timestamp, module.size))]
        files = self._on_this_machine(module.path, self._images.candidates(layouts))
        return locate(files, lambda path: open_file(map_file(path)), objection, self._images.tried)

    @cached_property
    def image(self) -> PeImage | None:
        """The image from all places at once: what memory does not hold comes from the file."""
        in_memory, on_disk = self.image_in_memory, self.image_file.file
        if in_memory is None or on_disk is None:
            return in_memory or on_disk
        return PeImage(LayeredImage(in_memory.data, on_disk.data))

    @cached_property
    def debug(self) -> DebugId | None:
        """The identity of the PDB: from the dump, else from the image."""
        if self.module.debug is not None:
            return self.module.debug
        try:
            record = read_codeview(self.image) if self.image else None
        except (FormatError, MemoryUnavailable):
            record = None
        return DebugId(_KINDS[record.kind], record.signature, record.age, record.path) if record else None

    @cached_property
    def pdb(self) -> Located[Pdb]:
        """The PDB, checked by GUID and age."""
        debug = self.debug
        if debug is None:
            known = self.image is not None
            why = "its image names no PDB" if known else "neither the dump nor an image names its PDB"
            return Located(MISSING, note=why, tried=() if known else self._images.tried)
        name = layout.safe_name(debug.path)
        if debug.kind not in _KINDS.values() or not name:
            return Located(MISSING, note="it has no PDB")
        layouts = [*layout.plain(name), *layout.store(name, debug.breakpad)]
        files = self._on_this_machine(debug.path, self._symbols.candidates(layouts))
        return locate(
            files, lambda path: Pdb(map_file(path)), lambda pdb: _pdb_objection(pdb, debug), self._symbols.tried
        )

    @staticmethod
    def _on_this_machine(recorded: str, files: Iterator[Path]) -> Iterator[Path]:
        """`files`, then the very path that the dump recorded if this may be the machine (never a network path)."""
        yield from files
        if os.name == "nt" and PureWindowsPath(recorded).drive.endswith(":") and os.path.isfile(recorded):
            yield Path(recorded)


def _pdb_objection(pdb: Pdb, debug: DebugId) -> str | None:
    if pdb.guid == debug.signature.ljust(16, b"\0") and debug.age in (pdb.age, pdb.info_age):
        return None
    want = f"{guid_text(debug.signature.ljust(16, bytes(1)))} age {debug.age}"
    return f"another build: the module wants {want}, the file is {guid_text(pdb.guid)} age {pdb.age}"
