"""The policy that holds on this machine now, for us or for a process of somebody else's."""

from __future__ import annotations

import ntpath
import os
import posixpath
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.errors import IssueLog
from mdmp.monitor.policy.environment import command_line_source, environment_source
from mdmp.monitor.policy.policy import Policy, Source
from mdmp.monitor.policy.registry import registry_sources
from mdmp.monitor.policy.toml_files import read_sources

if TYPE_CHECKING:
    from mdmp.monitor.fault import Subject
    from mdmp.monitor.policy.registry import Registry

FOR_THE_SYSTEM = ("webhook", "report", "log", "notice", "min_free")
"""What a user's file does not decide when it is the system's handler that acts: it sends, runs and logs nothing on a
user's word, and the disk is everybody's."""

FOR_ITS_FOLDER = ("folder", "name", "count", "max_age", "max_total", "repeat")
"""What it does not decide, either, when the dump goes to a folder of the system's, beside those of other users."""


def load_policy(
    subject: Subject | None = None,
    command_line: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    handler: bool = False,
    as_user: bool | None = None,
    default_folder: str | None = None,
    system_file: str | None = None,
    user_file: str | None = None,
    registry: Registry | None = None,
) -> Policy:
    """Defaults, the system's file, the registry (Windows), the user's file, environment, command line: later ones win,
    and what the administrator enforces wins over all.

    `subject` is the process that it is for. `handler`: we are the system's handler, which that process's user did not
    ask (so it is taken to be, too, when we run as another user). Then our `environment` does not count (unless given),
    and of that user's file only what does no harm: nothing in `FOR_THE_SYSTEM`, and nothing in `FOR_ITS_FOLDER` unless
    `as_user`: the dump is written with no more rights than that user's (None: when we run as that user).

    `command_line` is a mapping of keys (`values.KEYS`) to text or values; None there: not given. `default_folder` is
    where dumps go when no source names a folder. Files and registry are those of this system when not given. Bad values
    are ignored, see `Policy.issues`; only one in `command_line` raises `UsageError`.
    """
    issues = IssueLog()
    uid = subject.uid if subject else None
    ours = sys.platform == "win32" or uid is None or uid == os.geteuid()
    foreign = handler or not ours
    variables = subject.variables if subject else os.environ
    system = system_file or system_policy_file()
    sources = read_sources(system, issues, system=True)
    if registry is None:
        registry = _registry()
    if registry:
        sources += registry_sources(registry, issues)
    user = user_file or user_policy_file(variables)
    if user:
        ignored = FOR_THE_SYSTEM if (ours if as_user is None else as_user) else (*FOR_THE_SYSTEM, *FOR_ITS_FOLDER)
        found = read_sources(user, issues, owner=uid if foreign else None)
        sources += [_without(ignored, source, issues) for source in found] if foreign else found
    if environment is None:
        environment = {} if foreign else os.environ
    sources.append(environment_source(environment, issues))
    sources.append(command_line_source(command_line or {}))
    kept = tuple(source for source in sources if source.values or source.applications or source.exclude)
    return Policy(kept, issues.freeze(), default_folder=default_folder)


def _registry() -> Registry | None:
    if sys.platform == "win32":
        from mdmp.monitor.policy.windows_registry import open_registry

        return open_registry()
    else:
        return None


def policy_files() -> dict[str, str | None]:
    """Where the files are looked for, whether or not they are there."""
    return {"system": system_policy_file(), "user": user_policy_file(os.environ)}


def system_policy_file(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> str:
    if platform == "win32":
        return ntpath.join(environment.get("ProgramData") or "C:\\ProgramData", "mdmp", "policy.toml")
    return "/Library/Application Support/mdmp/policy.toml" if platform == "darwin" else "/etc/mdmp/policy.toml"


def user_policy_file(variables: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """None: the user has no home."""
    if platform == "win32":
        base = variables.get("APPDATA")
        return ntpath.join(base, "mdmp", "policy.toml") if base and ntpath.isabs(base) else None
    base = variables.get("XDG_CONFIG_HOME")
    if not base or not posixpath.isabs(base):
        home = variables.get("HOME")
        if not home or not posixpath.isabs(home):
            return None
        base = posixpath.join(home, ".config")
    return posixpath.join(base, "mdmp", "policy.toml")


def _without(keys: tuple[str, ...], source: Source, issues: IssueLog) -> Source:
    def kept(values: Mapping[str, object], place: str) -> dict[str, object]:
        for key in keys:
            if key in values:
                issues.add(
                    source.name, f"{place}{key}: ignored; for its own handler only the system's file decides that"
                )
        return {key: value for key, value in values.items() if key not in keys}

    values = kept(source.values, "")
    programs = {name: kept(own, f"{name}: ") for name, own in source.applications.items()}
    return replace(source, values=values, applications=programs)
