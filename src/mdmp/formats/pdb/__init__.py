"""Program databases (PDB 7.0): function, file, line and inlined calls of an address; unwinding data of x86."""

from mdmp.formats.pdb.dbi import ModuleInfo
from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pdb.lookup import PdbFrame
from mdmp.formats.pdb.pdb import Function, Pdb, Public, SourceFile

__all__ = ["FrameData", "Function", "ModuleInfo", "Pdb", "PdbFrame", "Public", "SourceFile"]
