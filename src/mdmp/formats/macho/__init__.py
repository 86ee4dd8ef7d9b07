"""Mach-O files and images: load commands, symbols, compact unwind information, and look-ups with their DWARF.

This package may use `mdmp.formats.dwarf`, which knows no container; no other format does.
"""

from mdmp.formats.macho.contents import ImageBytes
from mdmp.formats.macho.header import Section, Segment
from mdmp.formats.macho.macho import MachO, MachOFrame
from mdmp.formats.macho.symbols import MachOSymbol
from mdmp.formats.macho.universal import Slice, is_macho, open_file, slices
from mdmp.formats.macho.unwind_info import UnwindEntry

__all__ = [
    "ImageBytes",
    "MachO",
    "MachOFrame",
    "MachOSymbol",
    "Section",
    "Segment",
    "Slice",
    "UnwindEntry",
    "is_macho",
    "open_file",
    "slices",
]
