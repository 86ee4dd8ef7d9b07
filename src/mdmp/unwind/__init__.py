"""Registers, memory and unwind tables to frames, each with its trust. No files, no names, no network."""

from mdmp.unwind.frame import Frame, Walk
from mdmp.unwind.source import Memory, RunTimeFunction, UnwindModule, UnwindSource
from mdmp.unwind.walk import DEFAULT_LIMIT, Walker, walk

__all__ = [
    "DEFAULT_LIMIT",
    "Frame",
    "Memory",
    "RunTimeFunction",
    "UnwindModule",
    "UnwindSource",
    "Walk",
    "Walker",
    "walk",
]
