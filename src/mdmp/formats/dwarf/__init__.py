"""DWARF 2 to 5: from an address to function, file, line and inlined functions, and to call-frame rows.

DWARF lies in ELF, in PE images made by MinGW, in Mach-O; it is given here as named sections and knows no container.
"""

from mdmp.formats.dwarf.cfa import Cfa, Row, Saved
from mdmp.formats.dwarf.cfi import CallFrames, FrameSection
from mdmp.formats.dwarf.dwarf import MANGLED, Dwarf, DwarfFrame
from mdmp.formats.dwarf.sections import Sections

__all__ = ["MANGLED", "CallFrames", "Cfa", "Dwarf", "DwarfFrame", "FrameSection", "Row", "Saved", "Sections"]
