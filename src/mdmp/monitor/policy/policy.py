"""The policy: settings for every program, from several sources, and where each value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from mdmp.monitor.policy.settings import Settings


@dataclass(frozen=True, slots=True)
class Source:
    """One place that settings come from, in the form that all share."""

    name: str
    """For people: the file's path, the registry key, `environment`, `command line`."""
    values: Mapping[str, object]
    """Field of `Settings` -> value, for every program."""
    applications: Mapping[str, Mapping[str, object]]
    """The same for one program each, by file name (`app.exe`; without regard to case on Windows)."""
    exclude: tuple[str, ...] = ()
    """Names of programs, with `*`, that get no dumps."""


@dataclass(frozen=True, slots=True)
class Policy:
    sources: tuple[Source, ...] = ()
    """Later ones win."""

    def settings_for(self, program: str) -> tuple[Settings, Mapping[str, str]]:
        """What applies to a program, and where each value comes from that is not the default."""
        raise NotImplementedError
