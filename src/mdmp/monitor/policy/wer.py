"""What Windows Error Reporting itself does for a program, by LocalDumps alone; and the profile that it does it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mdmp.errors import IssueLog
from mdmp.monitor.policy.policy import Policy
from mdmp.monitor.policy.registry import LOCAL_DUMPS, automatic_debugger, debugger_exclusions, registry_sources
from mdmp.monitor.policy.variables import expand

if TYPE_CHECKING:
    from mdmp.monitor.policy.registry import Registry, RegistryKey

_PROFILES: Final = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
ACCOUNTS: Final[Mapping[str, str]] = {
    "S-1-5-18": "%SystemRoot%\\System32\\Config\\SystemProfile",
    "S-1-5-19": "%SystemRoot%\\ServiceProfiles\\LocalService",
    "S-1-5-20": "%SystemRoot%\\ServiceProfiles\\NetworkService",
}
"""Profiles of the accounts that services run as: the system, its local and its network service."""

_OF_THE_SYSTEM: Final = frozenset(
    {"SYSTEMROOT", "WINDIR", "SYSTEMDRIVE", "PROGRAMDATA", "ALLUSERSPROFILE", "PUBLIC", "PROGRAMFILES", "COMPUTERNAME"}
)


def told(registry: Registry, program: str, variables: Mapping[str, str]) -> str:
    """One line for people."""
    if registry.machine.open(LOCAL_DUMPS) is None:
        return "writes no dump: LocalDumps does not exist"
    settings, _ = Policy(tuple(registry_sources(registry, IssueLog())), ignore_case=True).settings_for(program)
    debugger = automatic_debugger(registry.machine)
    excluded = {name.lower() for name in debugger_exclusions(registry.machine)}
    if debugger and program.lower() not in excluded:
        return f"writes no dump: crashes go to {debugger[:200]} (AeDebug)"
    if settings.count == 0:
        return "writes no dump: DumpCount is 0"
    try:
        folder = expand(settings.folder or "", variables, "win32")
    except ValueError as problem:
        folder = f"{settings.folder} ({problem})"
    what = f"custom dump ({settings.custom_flags:#x})" if settings.type == "custom" else f"{settings.type} dump"
    return f"writes a {what} to {folder}, and keeps {settings.count}"


def profile_variables(machine: RegistryKey, sid: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environment` that differ from user to user, as they are for the account `sid`.

    Empty when it has no profile here.
    """
    key = machine.open(f"{_PROFILES}\\{sid}")
    _, path = key.values().get("ProfileImagePath", (0, None)) if key else (0, None)
    written = path if isinstance(path, str) and path else ACCOUNTS.get(sid)
    if written is None:
        return {}
    try:
        profile = expand(written, environment, "win32")
    except ValueError:
        return {}
    local = f"{profile}\\AppData\\Local"
    return {
        **{name: value for name, value in environment.items() if name.upper() in _OF_THE_SYSTEM},
        "USERPROFILE": profile,
        "APPDATA": f"{profile}\\AppData\\Roaming",
        "LOCALAPPDATA": local,
        "TEMP": f"{local}\\Temp",
        "TMP": f"{local}\\Temp",
    }
