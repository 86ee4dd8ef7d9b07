"""ELF files and images: headers, notes, symbols, and look-ups with the DWARF they carry.

This package may use `mdmp.formats.dwarf`, which knows no container; no other format does.
"""

from mdmp.formats.elf.elf import DebugLink, Elf, ElfFrame, SupplementaryLink
from mdmp.formats.elf.header import is_elf
from mdmp.formats.elf.loaded import ImageBytes, LoadedElf
from mdmp.formats.elf.symbols import ElfSymbol

__all__ = ["DebugLink", "Elf", "ElfFrame", "ElfSymbol", "ImageBytes", "LoadedElf", "SupplementaryLink", "is_elf"]
