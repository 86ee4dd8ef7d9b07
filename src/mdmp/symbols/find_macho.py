"""The files of a macOS or iOS module: its image on disk, and the file with DWARF in its dSYM bundle.

Dumps keep the UUID as Windows keeps a GUID: its first three parts are numbers, little-endian.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from mdmp.binary.window import map_file
from mdmp.formats.macho import MachO, open_file
from mdmp.snapshot import DebugId, Module
from mdmp.snapshot.module import guid_text
from mdmp.symbols import layout
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import Located, locate

_IN_BUNDLE = ("Contents", "Resources", "DWARF")
_BUNDLES = ("", ".app", ".framework", ".bundle")


def find_macho(module: Module, debug: DebugId | None, folders: Folders) -> Located[MachO]:
    """The image, checked by UUID; of a universal file the part with that UUID."""
    name = layout.safe_name(module.path)
    layouts = [path] if len(path := layout.whole(module.path)) > 1 else []
    layouts += layout.plain(name) if name else []
    if name and debug is not None and debug.kind == "macho":
        layouts += layout.store(name, f"mach-uuid-{_hex(debug)}")
    return _locate(layouts, debug, folders)


def find_dsym(path: str, debug: DebugId | None, folders: Folders) -> Located[MachO]:
    """The file with debug information that goes with the image that was at `path`, by UUID."""

    def objection(macho: MachO) -> str | None:
        return None if macho.dwarf is not None else "it holds no debug information"

    name, folder = layout.safe_name(path), layout.whole(path)[:-1]
    layouts = list(_dsym_layouts(name)) if name else []
    if folder and name:
        layouts.append((*folder, f"{name}.dSYM", *_IN_BUNDLE, name))
    if debug is not None and debug.kind == "macho":
        text = _hex(debug)
        layouts += layout.store("_.dwarf", f"mach-uuid-sym-{text}")
        layouts.append((*(text[i : i + 4].upper() for i in range(0, 20, 4)), text[20:].upper()))  # LLDB's own
    return _locate(layouts, debug, folders, objection)


def _dsym_layouts(name: str) -> Iterator[tuple[str, ...]]:
    for bundle in _BUNDLES:
        yield (f"{name}{bundle}.dSYM", *_IN_BUNDLE, name)
    yield (*_IN_BUNDLE, name)
    yield (name,)
    yield (f"{name}.dwarf",)


def _locate(
    layouts: list[tuple[str, ...]],
    debug: DebugId | None,
    folders: Folders,
    further: Callable[[MachO], str | None] = lambda macho: None,
) -> Located[MachO]:
    uuid = uuid_of(debug) if debug is not None and debug.kind == "macho" else None

    def objection(macho: MachO) -> str | None:
        if uuid is None:
            return "the dump holds no identity to compare it with"
        if macho.uuid != uuid:
            have = macho.uuid.hex().upper() if macho.uuid else "without a UUID"
            return f"another build: the module is {uuid.hex().upper()}, the file {have}"
        return further(macho)

    def read(path: Path) -> MachO:
        return open_file(map_file(path), uuid=uuid)

    return locate(folders.candidates(layouts), read, objection, folders.tried)


def identity(macho: MachO) -> DebugId | None:
    """As a dump would have it."""
    uuid = macho.uuid
    return DebugId("macho", uuid[3::-1] + uuid[5:3:-1] + uuid[7:5:-1] + uuid[8:], 0, "") if uuid else None


def uuid_of(debug: DebugId) -> bytes:
    """The UUID in the order of its text, as the file has it."""
    return bytes.fromhex(guid_text(debug.signature).replace("-", ""))


def _hex(debug: DebugId) -> str:
    return uuid_of(debug).hex()
