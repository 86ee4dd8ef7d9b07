"""Noun 1, what was seen: a process at one moment, from a dump file, a core or a live capture. One concept a file.

`None` means not known; an empty tuple means known to be none. A `None` that comes from damage has an `Issue`
in `Snapshot.issues` saying what and where. Nothing here knows a wire structure, a file offset or an OS handle.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mdmp.snapshot.annotations import Annotations as Annotations
    from mdmp.snapshot.exception import ExceptionRecord as ExceptionRecord
    from mdmp.snapshot.function_table import FunctionTable as FunctionTable
    from mdmp.snapshot.handle import Handle as Handle
    from mdmp.snapshot.linker import LinkedLibrary as LinkedLibrary
    from mdmp.snapshot.linker import Linker as Linker
    from mdmp.snapshot.memory import EmptyMemory as EmptyMemory
    from mdmp.snapshot.memory import MemoryReader as MemoryReader
    from mdmp.snapshot.memory import Region as Region
    from mdmp.snapshot.module import DebugId as DebugId
    from mdmp.snapshot.module import Module as Module
    from mdmp.snapshot.module import UnloadedModule as UnloadedModule
    from mdmp.snapshot.origin import Attachment as Attachment
    from mdmp.snapshot.origin import Origin as Origin
    from mdmp.snapshot.process import Process as Process
    from mdmp.snapshot.snapshot import Snapshot as Snapshot
    from mdmp.snapshot.system import System as System
    from mdmp.snapshot.thread import Context as Context
    from mdmp.snapshot.thread import Thread as Thread

_HOME = {
    "Annotations": "annotations",
    "Attachment": "origin",
    "Context": "thread",
    "DebugId": "module",
    "EmptyMemory": "memory",
    "ExceptionRecord": "exception",
    "FunctionTable": "function_table",
    "Handle": "handle",
    "LinkedLibrary": "linker",
    "Linker": "linker",
    "MemoryReader": "memory",
    "Module": "module",
    "Origin": "origin",
    "Process": "process",
    "Region": "memory",
    "Snapshot": "snapshot",
    "System": "system",
    "Thread": "thread",
    "UnloadedModule": "module",
}


def __getattr__(name: str) -> object:
    """Imports a noun when it is first used: a program that is to be watched shall not wait for all of them."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found
