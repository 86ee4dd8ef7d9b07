"""mdmp: the whole life of a crash dump.

    import mdmp

    snapshot = mdmp.open_dump("crash.dmp")       # what was seen: threads, modules, memory, exception
    report = mdmp.analyze(snapshot)              # what it means: reason, blamed line, stacks, findings

Only the names in `__all__` are public.
"""

from mdmp.version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mdmp.api import analyze, capture_process, open_dump, save_dump
    from mdmp.dumpfile.save import Saved
    from mdmp.errors import FormatError, Issue, MdmpError, MemoryUnavailable, SaveError, UnusableInputError, UsageError
    from mdmp.monitor.handler import Handler, install_handler
    from mdmp.report import Report
    from mdmp.snapshot import Snapshot

__all__ = [
    "FormatError",
    "Handler",
    "Issue",
    "MdmpError",
    "MemoryUnavailable",
    "Report",
    "SaveError",
    "Saved",
    "Snapshot",
    "UnusableInputError",
    "UsageError",
    "analyze",
    "capture_process",
    "install_handler",
    "open_dump",
    "save_dump",
]


_HOME = {
    "analyze": "mdmp.api",
    "capture_process": "mdmp.api",
    "install_handler": "mdmp.monitor.handler",
    "open_dump": "mdmp.api",
    "save_dump": "mdmp.api",
    "Handler": "mdmp.monitor.handler",
    "Report": "mdmp.report",
    "Saved": "mdmp.dumpfile.save",
    "Snapshot": "mdmp.snapshot",
}


def __getattr__(name: str) -> object:
    """Imports the rest when it is first used, so that `import mdmp` costs next to nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'mdmp' has no attribute {name!r}")
    home = _HOME.get(name, "mdmp.errors")
    return getattr(__import__(home, fromlist=[name]), name)
