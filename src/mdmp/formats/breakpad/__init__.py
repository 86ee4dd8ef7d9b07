"""Breakpad symbol files (`.sym`): text records of functions, lines, inlined calls and unwind rules."""

from mdmp.formats.breakpad.records import PublicSymbol, StackWin, SymModule
from mdmp.formats.breakpad.symfile import CfiRules, SymFile, SymFrame

__all__ = ["CfiRules", "PublicSymbol", "StackWin", "SymFile", "SymFrame", "SymModule"]
