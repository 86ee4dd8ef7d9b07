"""Noun 2, what we concluded: frozen, and renderable with nothing else at hand. One renderer a file."""

from mdmp.report.model import (
    Blame,
    Crash,
    DumpFacts,
    Finding,
    Frame,
    InlineFrame,
    MemoryAccess,
    ModuleReport,
    Report,
    SourceContext,
    SymbolState,
    ThreadReport,
)

__all__ = [
    "Blame",
    "Crash",
    "DumpFacts",
    "Finding",
    "Frame",
    "InlineFrame",
    "MemoryAccess",
    "ModuleReport",
    "Report",
    "SourceContext",
    "SymbolState",
    "ThreadReport",
]
