"""What .NET adds to a PE image: the CLI header, the metadata, code compiled ahead of time, an embedded portable PDB.

Sources: ECMA-335 II.25.3.3; dotnet/runtime, docs/design/coreclr/botr/readytorun-format.md and
docs/design/specs/PE-COFF.md.
"""

from mdmp.binary.window import Window
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pe import wire
from mdmp.formats.pe.debug import IMAGE_DEBUG_TYPE_EMBEDDED_PORTABLE_PDB, read_debug_data, read_debug_directory
from mdmp.formats.pe.headers import PeImage
from mdmp.formats.pe.image import MAX_READ

COMIMAGE_FLAGS_ILONLY = 1
_READYTORUN_SIGNATURE = b"RTR\0"


def read_cli_header(image: PeImage) -> wire.IMAGE_COR20_HEADER | None:
    """None for an image that is not managed. Raises `FormatError` or `MemoryUnavailable`."""
    place = image.directory(wire.IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR)
    if place is None:
        return None
    header = wire.IMAGE_COR20_HEADER.read(image.part(place.VirtualAddress, 72, "IMAGE_COR20_HEADER"))
    if header.cb < 72:
        raise FormatError("IMAGE_COR20_HEADER.cb", f"expected at least 72; found {header.cb}", place.VirtualAddress)
    return header


def managed_kind(image: PeImage) -> str | None:
    """What kind of code a managed image holds; None for an image that is not managed, or that cannot be read.

    `il`: compiled when it runs. `ready-to-run`: compiled ahead of time. `native image`: the same by NGEN of the .NET
    Framework. `mixed`: native code beside IL (C++/CLI).
    """
    try:
        header = read_cli_header(image)
        if header is None:
            return None
        native = header.ManagedNativeHeader
        if native.VirtualAddress and native.Size:
            try:
                ready = image.read(native.VirtualAddress, 4) == _READYTORUN_SIGNATURE
            except MemoryUnavailable:
                ready = True  # the other kind has not been made since .NET Framework 4.8
            return "ready-to-run" if ready else "native image"
        return "il" if header.Flags & COMIMAGE_FLAGS_ILONLY else "mixed"
    except (FormatError, MemoryUnavailable):
        return None


def read_metadata(image: PeImage) -> Window | None:
    """The metadata; None for an image without. Raises `FormatError` or `MemoryUnavailable`."""
    header = read_cli_header(image)
    if header is None or not header.MetaData.VirtualAddress:
        return None
    return image.part(header.MetaData.VirtualAddress, header.MetaData.Size, "metadata")


def read_embedded_pdb(image: PeImage) -> bytes | None:
    """The embedded portable PDB, still packed; None without one. Raises `FormatError` or `MemoryUnavailable`."""
    for entry in read_debug_directory(image):
        if entry.Type == IMAGE_DEBUG_TYPE_EMBEDDED_PORTABLE_PDB:
            return read_debug_data(image, entry, MAX_READ)
    return None
