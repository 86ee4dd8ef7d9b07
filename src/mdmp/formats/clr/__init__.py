"""Metadata of .NET assemblies (ECMA-335, partition II) and portable PDBs, which are metadata with tables of their own.

It is given here as a window over its bytes; that an image carries it, and where, is for `mdmp.formats.pe` to say.
"""

from mdmp.formats.clr.embedded import unpack_embedded
from mdmp.formats.clr.metadata import Metadata
from mdmp.formats.clr.portable_pdb import Document, PortablePdb, SourcePlace, is_portable_pdb

__all__ = ["Document", "Metadata", "PortablePdb", "SourcePlace", "is_portable_pdb", "unpack_embedded"]
