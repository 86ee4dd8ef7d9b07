"""Notes: the build id of an image, and all that a core file tells besides memory."""

from collections.abc import Iterator
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.elf import structs as wire


class Note(NamedTuple):
    name: str
    """Who defines the type: `GNU`, `CORE`, `LINUX`, `Android`…"""
    type: int
    content: Window


def read_notes(window: Window, align: int = 4) -> Iterator[Note]:
    """The notes of one section or segment; `FormatError` where one runs over the end."""
    align = 8 if align == 8 else 4
    at = 0
    while at + wire.Elf_Nhdr.SIZE <= window.size:
        head = wire.Elf_Nhdr.read(window, at)
        at += wire.Elf_Nhdr.SIZE
        name = window.read(at, head.n_namesz, "note.name") if head.n_namesz else b""
        at += head.n_namesz
        at += -at % align
        content = window.sub(at, head.n_descsz, f"note {head.n_type:#x}")
        at += head.n_descsz
        at += -at % align
        yield Note(name.rstrip(b"\0").decode("utf-8", "replace"), head.n_type, content)


def build_id_of(notes: Iterator[Note]) -> bytes | None:
    for note in notes:
        if note.name == "GNU" and note.type == wire.NT_GNU_BUILD_ID and note.content.size:
            return note.content.tobytes()
    return None
