"""The debug directory: which PDB belongs to the image, and what else the linker noted."""

from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.image import FileImage

IMAGE_DEBUG_TYPE_CODEVIEW = 2
IMAGE_DEBUG_TYPE_POGO = 13
IMAGE_DEBUG_TYPE_REPRO = 16
IMAGE_DEBUG_TYPE_EMBEDDED_PORTABLE_PDB = 17
IMAGE_DEBUG_TYPE_EX_DLLCHARACTERISTICS = 20

_MAX_ENTRIES = 64
_MAX_CODEVIEW = 0x2000


class CodeView(NamedTuple):
    """Identity and path of the PDB.

    `kind` is `RSDS` (`signature`: the GUID's 16 bytes) or `NB10` (`signature`: a time stamp's 4).
    """

    kind: str
    signature: bytes
    age: int
    path: str


def read_debug_directory(image: PeImage) -> tuple[wire.IMAGE_DEBUG_DIRECTORY, ...]:
    """The entries as they are; empty when there are none. Raises `FormatError` or `MemoryUnavailable`."""
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_DEBUG)
    if place is None:
        return ()
    count = min(place.Size // 28, _MAX_ENTRIES)
    part = image.part(place.VirtualAddress, count * 28, "IMAGE_DEBUG_DIRECTORY")
    return tuple(wire.IMAGE_DEBUG_DIRECTORY.read_many(part, 0, count))


def read_debug_data(image: PeImage, entry: wire.IMAGE_DEBUG_DIRECTORY, limit: int = _MAX_CODEVIEW) -> bytes:
    """The bytes of an entry, by RVA where it is loaded, else by file offset. Raises as `read_debug_directory`."""
    size = min(entry.SizeOfData, limit)
    if entry.AddressOfRawData:
        return image.read(entry.AddressOfRawData, size)
    if entry.PointerToRawData and isinstance(image.data, FileImage):
        return image.data.window.read(entry.PointerToRawData, size, "IMAGE_DEBUG_DIRECTORY.PointerToRawData")
    raise FormatError("IMAGE_DEBUG_DIRECTORY.AddressOfRawData", "expected the data to be loaded; found no address")


def read_codeview(image: PeImage) -> CodeView | None:
    """The first CodeView record that names a PDB, or None. An entry that cannot be read is passed over."""
    for entry in read_debug_directory(image):
        if entry.Type == IMAGE_DEBUG_TYPE_CODEVIEW:
            try:
                found = decode_codeview(read_debug_data(image, entry))
            except (FormatError, MemoryUnavailable):
                continue
            if found:
                return found
    return None


def decode_codeview(raw: bytes) -> CodeView | None:
    """A CodeView record; None when it is of another kind. Raises `FormatError` when it is cut short."""
    window = Window(raw, "CodeView")
    kind = raw[:4]
    if kind == b"RSDS":
        new = wire.CV_INFO_PDB70.read(window)
        return CodeView("RSDS", new.Signature, new.Age, _path(window, new.SIZE))
    if kind == b"NB10":
        old = wire.CV_INFO_PDB20.read(window)
        return CodeView("NB10", old.Signature.to_bytes(4, "little"), old.Age, _path(window, old.SIZE))
    return None


def _path(window: Window, offset: int) -> str:
    raw = window.cstring(offset)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:  # older linkers wrote the code page of their machine
        return raw.decode("latin-1")
