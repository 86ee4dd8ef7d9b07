"""mdmp as the system's handler of crashes: the same face on each system."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class InstallOptions:
    pass_on: bool = False
    """Linux: afterwards give the core to whom it went before."""
    persist: bool = False
    """Linux: also after the system was started again."""
    only: str | None = None
    """Linux: programs that get dumps, by path with `*`. Windows, with `via="wer"`: the program's name, `app.exe`."""
    limit: int = 300
    """Seconds that one crash may take us."""
    via: str = "aedebug"
    """Windows: `aedebug`, mdmp is the post-mortem debugger; `wer`, Windows itself writes the dumps (LocalDumps) and
    `mdmp watch` reports them."""
    force: bool = False
    """Even where others than the administrator could change what runs with all rights."""


@dataclass(frozen=True, slots=True)
class Status:
    installed: bool
    """The system hands crashes to us."""
    working: bool
    """And nothing is amiss with what it starts then."""
    facts: Mapping[str, object]
    """What is set, what was before…: for people in this order, and as JSON."""
    problems: tuple[str, ...] = ()
    crashes: tuple[Mapping[str, object], ...] = ()
    """What the handler noted last, newest last; empty also when only the administrator may see it."""


def install(options: InstallOptions) -> tuple[str, ...]:
    """Has the system hand every crash to us; what was done, and what to know, in lines. Doing it twice is harmless.

    `UsageError` when we may not, and what is needed; and for options that this system cannot fulfil.
    """
    if sys.platform == "linux":
        if options.via != "aedebug":
            raise UsageError(f"--via {options.via}: only Windows has it")
        if options.only is not None and not options.only.startswith(("/", "*", "?", "[")):
            raise UsageError(f"--only: expected a path, like /opt/shop/* or */shop; found {options.only!r}")
        from mdmp.monitor.linux.core_pattern import install_linux

        return install_linux(options)
    elif sys.platform == "win32":
        if options.pass_on or options.persist:
            raise UsageError("--pass-on and --persist are for Linux; on Windows what is set stays set")
        if options.only and options.via == "aedebug":
            raise UsageError("--only: AeDebug takes the crashes of all programs; --via wer can choose one")
        from mdmp.monitor.windows.hooks import install_windows

        return install_windows(options)
    else:
        raise _not_here()


def uninstall() -> tuple[str, ...]:
    """Puts back what was there before `install`, unless somebody else has changed it since."""
    if sys.platform == "linux":
        from mdmp.monitor.linux.core_pattern import uninstall_linux

        return uninstall_linux()
    elif sys.platform == "win32":
        from mdmp.monitor.windows.hooks import uninstall_windows

        return uninstall_windows()
    else:
        raise _not_here()


def status() -> Status:
    if sys.platform == "linux":
        from mdmp.monitor.linux.core_pattern import status_linux

        return status_linux()
    elif sys.platform == "win32":
        from mdmp.monitor.windows.hooks import status_windows

        return status_windows()
    else:
        raise _not_here()


def _not_here() -> UsageError:
    return UsageError(f"a handler for the crashes of all programs is not there for {sys.platform}")
