"""The files of an ELF module: its image on disk, and the separate file with its debug information."""

import zlib
from collections.abc import Iterator

from mdmp.binary.window import map_file
from mdmp.formats.elf.elf import Elf
from mdmp.snapshot import DebugId, MemoryReader, Module
from mdmp.symbols import layout
from mdmp.symbols.fit_elf import misfit
from mdmp.symbols.folders import Folders
from mdmp.symbols.locate import Located, locate


def find_elf(module: Module, debug: DebugId | None, folders: Folders, memory: MemoryReader) -> Located[Elf]:
    """The image, checked by build id, by the hash of code that Breakpad takes in its place, or by what is in memory."""
    name = layout.safe_name(module.path)
    layouts = [path] if len(path := layout.whole(module.path)) > 1 else []
    layouts += layout.plain(name) if name else []
    if debug is not None and debug.kind == "elf":
        build_id = debug.signature.hex()
        layouts += [(".build-id", build_id[:2], build_id[2:]), (build_id, "executable")]
        layouts += layout.store(name, f"elf-buildid-{build_id}") if name else []

    def objection(elf: Elf) -> str | None:
        if debug is None:
            return misfit(elf, memory, module.base)
        have = identity(elf)
        return (
            None
            if have.breakpad == debug.breakpad
            else f"another build: the module is {debug.breakpad}, the file {have.breakpad}"
        )

    found = locate(folders.candidates(layouts), lambda path: Elf(map_file(path)), objection, folders.tried)
    return found if debug or not found.file else found._replace(note="no build id to compare; its data are in memory")


def find_debug_file(path: str, image: Elf | None, debug: DebugId | None, folders: Folders) -> Located[Elf]:
    """The file with DWARF that was split off the image at `path`, by build id or `.gnu_debuglink`."""
    link = image.debug_link if image else None
    build_id = image.build_id if image else (debug.signature if debug and debug.kind == "elf" else None)

    def objection(elf: Elf) -> str | None:
        if elf.dwarf is None:
            return "it holds no debug information"
        if build_id is not None and elf.build_id is not None:
            return None if elf.build_id == build_id else f"another build: {elf.build_id.hex()}, not {build_id.hex()}"
        if link is not None:
            return None if zlib.crc32(elf.window.tobytes()) == link.crc else "another build: its CRC differs"
        return None if debug and identity(elf).breakpad == debug.breakpad else "nothing tells that it belongs here"

    layouts = list(_debug_layouts(path, layout.safe_name(link.name) if link else "", build_id))
    return locate(folders.candidates(layouts), lambda path: Elf(map_file(path)), objection, folders.tried)


def _debug_layouts(path: str, link: str, build_id: bytes | None) -> Iterator[tuple[str, ...]]:
    if build_id:
        text = build_id.hex()
        yield (".build-id", text[:2], f"{text[2:]}.debug")
        yield (text, "debuginfo")
        yield from layout.store("_.debug", f"elf-buildid-sym-{text}")
    name, folder = layout.safe_name(path), layout.whole(path)[:-1]
    for file in dict.fromkeys(f for f in (link, f"{name}.debug", f"{name}.dbg", name) if f and name):
        yield (file,)
        yield (".debug", file)
        if folder:
            yield (*folder, file)
            yield (*folder, ".debug", file)


def identity(elf: Elf) -> DebugId:
    """The build id; without one, Breakpad's stand-in."""
    return DebugId("elf", elf.build_id or elf.code_hash or bytes(16), 0, "")
