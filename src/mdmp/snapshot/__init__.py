"""Noun 1, what was seen: a process at one moment, from a dump file, a core or a live capture. One concept a file.

`None` means not known; an empty tuple means known to be none. A `None` that comes from damage has an `Issue`
in `Snapshot.issues` saying what and where. Nothing here knows a wire structure, a file offset or an OS handle.
"""

from mdmp.snapshot.annotations import Annotations
from mdmp.snapshot.exception import ExceptionRecord
from mdmp.snapshot.function_table import FunctionTable
from mdmp.snapshot.handle import Handle
from mdmp.snapshot.linker import LinkedLibrary, Linker
from mdmp.snapshot.memory import EmptyMemory, MemoryReader, Region
from mdmp.snapshot.module import DebugId, Module, UnloadedModule
from mdmp.snapshot.origin import Attachment, Origin
from mdmp.snapshot.process import Process
from mdmp.snapshot.snapshot import Snapshot
from mdmp.snapshot.system import System
from mdmp.snapshot.thread import Context, Thread

__all__ = [
    "Annotations",
    "Attachment",
    "Context",
    "DebugId",
    "EmptyMemory",
    "ExceptionRecord",
    "FunctionTable",
    "Handle",
    "LinkedLibrary",
    "Linker",
    "MemoryReader",
    "Module",
    "Origin",
    "Process",
    "Region",
    "Snapshot",
    "System",
    "Thread",
    "UnloadedModule",
]
