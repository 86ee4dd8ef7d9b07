"""The registry, as Windows Error Reporting reads it -> sources, and the traps in it.

Pure: the keys come in as objects. Facts: learn.microsoft.com, "Collecting User-Mode Dumps" and "WER Settings";
`docs/policy.md` says which of them are not documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mdmp.errors import UsageError
from mdmp.monitor.policy.policy import Source
from mdmp.monitor.policy.values import LOCAL_DUMPS_TYPES
from mdmp.snapshot.dump_type import DUMP_TYPES

if TYPE_CHECKING:
    from mdmp.errors import IssueLog

REG_SZ = 1
REG_EXPAND_SZ = 2
REG_DWORD = 4
MAX_KEY = 255
"""Characters in the name of a key."""
TYPE_NAMES = ("REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD", "REG_DWORD_BIG_ENDIAN", "REG_LINK",
              "REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST",
              "REG_QWORD")  # fmt: skip

WER = "SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting"
LOCAL_DUMPS = f"{WER}\\LocalDumps"
POLICY_LOCAL_DUMPS = "SOFTWARE\\Policies\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps"
AEDEBUG = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug"

WER_DEFAULTS: Mapping[str, object] = {
    "folder": "%LOCALAPPDATA%\\CrashDumps",
    "count": 10,
    "type": "mini",
    "custom_flags": 0x121,
}
FIELDS: Mapping[str, str] = {
    "DumpFolder": "folder",
    "DumpCount": "count",
    "DumpType": "type",
    "CustomDumpFlags": "custom_flags",
}
"""Value of LocalDumps -> field of `Settings`."""


class RegistryKey(Protocol):
    """An open key. Names are compared without regard to case."""

    def values(self) -> Mapping[str, tuple[int, object]]:
        """Name -> type (`REG_…`) and data."""

    def subkeys(self) -> Sequence[str]: ...

    def open(self, path: str) -> RegistryKey | None:
        """A key below; None when there is none, or we may not read it."""


class Registry(NamedTuple):
    machine: RegistryKey
    """HKEY_LOCAL_MACHINE, as 64-bit programs see it where the system has two views."""
    machine_32: RegistryKey | None = None
    """The same as 32-bit programs see it (Wow6432Node); None: the system has one view."""
    user: RegistryKey | None = None
    """HKEY_CURRENT_USER"""


def registry_sources(registry: Registry, issues: IssueLog) -> list[Source]:
    """The defaults of LocalDumps when it exists, its values, and group policy's."""
    sources = []
    local_dumps = registry.machine.open(LOCAL_DUMPS)
    place = f"HKLM\\{LOCAL_DUMPS}"
    if local_dumps:
        sources.append(Source(f"defaults of {place}", WER_DEFAULTS, {}, default=True))
        sources.append(_source(local_dumps, place, issues))
        _warn_of_its_values(local_dumps, sources[-1], place, issues)
    group_policy = registry.machine.open(POLICY_LOCAL_DUMPS)
    if group_policy:
        sources.append(_source(group_policy, f"HKLM\\{POLICY_LOCAL_DUMPS}", issues, enforced=True))
    _warn_of_other_keys(registry, bool(local_dumps), issues)
    return sources


def automatic_debugger(machine: RegistryKey) -> str | None:
    """The command that AeDebug starts by itself for a crash: with one, WER writes no local dumps."""
    key = machine.open(AEDEBUG)
    values = _folded(key) if key else {}
    debugger, auto = (values.get(name, (0, ""))[1] for name in ("debugger", "auto"))
    return debugger if isinstance(debugger, str) and debugger.strip() and auto in ("1", 1) else None


def debugger_exclusions(machine: RegistryKey) -> tuple[str, ...]:
    """Programs that AeDebug leaves alone."""
    key = machine.open(f"{AEDEBUG}\\AutoExclusionList")
    return tuple(name for name, (_, data) in (key.values() if key else {}).items() if data == 1)


def local_dumps_value(field: str, value: object) -> tuple[int, str | int]:
    """A field of `Settings` as LocalDumps writes it: type and data. `UsageError` when it has no way to say it."""
    if field == "folder":
        folder = str(value).replace("$$", "")
        if "$" in folder or folder.startswith("~"):
            raise UsageError(f"LocalDumps knows variables like %NAME% only; found {value}")
        return REG_EXPAND_SZ, str(value).replace("$$", "$")
    if field == "type":
        if value not in LOCAL_DUMPS_TYPES:
            flags = DUMP_TYPES.get(str(value), 0)
            instead = f"custom, with custom_flags {flags:#x}"
            raise UsageError(
                f"LocalDumps knows the types custom, mini and full; what comes near to {value} is {instead}"
            )
        return REG_DWORD, LOCAL_DUMPS_TYPES.index(str(value))
    if not isinstance(value, int):
        raise UsageError(f"LocalDumps knows nothing like {field}")
    return REG_DWORD, value


def _source(key: RegistryKey, place: str, issues: IssueLog, *, enforced: bool = False) -> Source:
    applications = {}
    for name in key.subkeys():
        if opened := key.open(name):
            applications[name] = _settings(opened, f"{place}\\{name}", issues)
        else:
            issues.add(f"{place}\\{name}", "cannot be read")
    return Source(place, _settings(key, place, issues), applications, enforced=enforced)


def _settings(key: RegistryKey, place: str, issues: IssueLog) -> dict[str, object]:
    found: dict[str, object] = {}
    values = _folded(key)
    for name, field in FIELDS.items():
        if name.lower() not in values:
            continue
        type_, data = values[name.lower()]
        value, problem = _folder(type_, data) if field == "folder" else _number(field, type_, data)
        if problem:
            issues.add(place, f"{name}: {problem}")
        if value is not None:
            found[field] = value
    return found


def _folder(type_: int, data: object) -> tuple[object, str | None]:
    """In our own notation, and what is wrong with it."""
    if type_ not in (REG_SZ, REG_EXPAND_SZ) or not isinstance(data, str):
        return None, f"ignored: expected REG_EXPAND_SZ; found {_type_name(type_)}"
    if not data.strip("\0 "):
        return None, "ignored: it is empty"
    if data.startswith("~"):
        return None, "ignored: it is not an absolute path (Windows knows no ~)"
    folder = data.rstrip("\0").replace("$", "$$")
    if type_ == REG_SZ and "%" in folder:
        return folder, "it is REG_SZ: whether Windows replaces variables in it is not documented; use REG_EXPAND_SZ"
    return folder, None


def _number(field: str, type_: int, data: object) -> tuple[object, str | None]:
    if type_ != REG_DWORD or not isinstance(data, int):
        return None, f"ignored: expected REG_DWORD; found {_type_name(type_)}"
    if field != "type":
        return data, None
    if data >= len(LOCAL_DUMPS_TYPES):
        return None, f"ignored: expected 0 (custom), 1 (mini) or 2 (full); found {data}"
    return LOCAL_DUMPS_TYPES[data], None


def _warn_of_its_values(key: RegistryKey, source: Source, place: str, issues: IssueLog) -> None:
    values, programs = source.values, source.applications
    if not key.values() and not programs:
        issues.add(place, "the key is empty, and its existence alone has Windows write dumps of all programs")
    elif not key.values():
        others = ", ".join(list(programs)[:5])
        issues.add(
            place,
            f"the key has no values, only keys for {others}: its existence has Windows write dumps of all other "
            "programs, too, with default values",
        )
    if values.get("type") == "full":
        issues.add(
            place,
            "DumpType is 2 for all programs: full dumps hold passwords and keys, and security products take this for "
            "the preparation of a theft; set it for single programs",
        )
    for name, own in programs.items():
        if values.get("count") == 0 and "count" not in own:
            issues.add(
                f"{place}\\{name}",
                "gets no dumps: it has no DumpCount of its own, and inherits the 0 that is there for all programs",
            )
        if "." not in name:
            issues.add(f"{place}\\{name}", "fits no program: the name of the key has to be that of the file, app.exe")
    for part_place, part in [(place, values), *((f"{place}\\{name}", own) for name, own in programs.items())]:
        type_ = part.get("type", values.get("type", WER_DEFAULTS["type"]))
        if "custom_flags" in part and type_ != "custom":
            issues.add(part_place, "CustomDumpFlags has no effect: it counts only where DumpType is 0")


def _warn_of_other_keys(registry: Registry, exists: bool, issues: IssueLog) -> None:
    if registry.user and registry.user.open(LOCAL_DUMPS):
        issues.add(f"HKCU\\{LOCAL_DUMPS}", "ignored: Windows reads this key of HKEY_LOCAL_MACHINE only")
    other = registry.machine_32.open(LOCAL_DUMPS) if registry.machine_32 else None
    if other and not exists:
        issues.add(
            "HKLM\\SOFTWARE\\Wow6432Node\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps",
            "ignored: written by a 32-bit program; LocalDumps has to be in the 64-bit part of the registry",
        )
    debugger = automatic_debugger(registry.machine)
    if debugger and exists:
        issues.add(
            f"HKLM\\{AEDEBUG}",
            f"crashes go to {debugger[:200]}: while this is set (Auto is 1), Windows itself writes no LocalDumps",
        )


def _folded(key: RegistryKey) -> dict[str, tuple[int, object]]:
    return {name.lower(): value for name, value in key.values().items()}


def _type_name(type_: int) -> str:
    return TYPE_NAMES[type_] if 0 <= type_ < len(TYPE_NAMES) else f"type {type_}"
