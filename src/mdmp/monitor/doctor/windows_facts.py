"""What of a Windows system decides whether a crash leaves a dump. Pure: the registry comes in as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmp.monitor.policy.registry import LOCAL_DUMPS, WER, automatic_debugger, debugger_exclusions

if TYPE_CHECKING:
    from mdmp.monitor.policy.registry import Registry, RegistryKey


@dataclass(frozen=True, slots=True)
class WindowsFacts:
    problems: tuple[str, ...]
    """Of our own handler, when it is installed."""
    local_dumps: bool
    """The key is there, in the 64-bit view: WER writes dumps."""
    debugger: str | None
    """The command that AeDebug starts by itself for crashes of 64-bit programs."""
    debugger_32: str | None = None
    """The same of 32-bit programs."""
    two_views: bool = True
    excluded: tuple[str, ...] = ()
    """Programs that AeDebug leaves alone."""
    wer_disabled: bool = False
    dont_show: bool = False
    """DontShowUI."""
    service: bool = True
    """WER's service may run: it is not disabled."""
    debug_privilege: bool | None = None
    """Whether we may have SeDebugPrivilege; None: not to be found out."""
    snapshots: bool = True
    """PssCaptureSnapshot."""
    dbghelp: bool = True
    other_width: bool = False
    """We are 32-bit on a 64-bit system."""


def facts_of(
    registry: Registry,
    *,
    problems: tuple[str, ...] = (),
    debug_privilege: bool | None = None,
    snapshots: bool = True,
    dbghelp: bool = True,
    other_width: bool = False,
) -> WindowsFacts:
    machine = registry.machine
    wer = machine.open(WER)
    return WindowsFacts(
        problems=problems,
        local_dumps=machine.open(LOCAL_DUMPS) is not None,
        debugger=automatic_debugger(machine),
        debugger_32=automatic_debugger(registry.machine_32) if registry.machine_32 else None,
        two_views=registry.machine_32 is not None,
        excluded=debugger_exclusions(machine),
        wer_disabled=_number(wer, "Disabled") == 1,
        dont_show=_number(wer, "DontShowUI") == 1,
        service=_number(machine.open("SYSTEM\\CurrentControlSet\\Services\\WerSvc"), "Start") != _DISABLED,
        debug_privilege=debug_privilege,
        snapshots=snapshots,
        dbghelp=dbghelp,
        other_width=other_width,
    )


_DISABLED = 4


def _number(key: RegistryKey | None, name: str) -> int | None:
    for found, (_, data) in (key.values() if key else {}).items():
        if found.lower() == name.lower() and isinstance(data, int):
            return data
    return None
