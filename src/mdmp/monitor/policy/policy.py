"""The policy: settings for every program, from several sources, and where each value comes from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mdmp.errors import Issue
from mdmp.monitor.policy.built_in import RULES
from mdmp.monitor.policy.settings import Settings

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Source:
    """One place that settings come from, in the form that all share."""

    name: str
    """For people: the file's path, the registry key, `environment`, `command line`."""
    values: Mapping[str, object]
    """Field of `Settings` (a rule: `rules.KIND`) -> value, for every program."""
    applications: Mapping[str, Mapping[str, object]]
    """The same for one program each, by file name (`app.exe`; without regard to case on Windows)."""
    exclude: tuple[str, ...] = ()
    """Names of programs, with `*`, that get no dumps."""
    enforced: bool = False
    """Wins over all that is not: the administrator's word."""
    default: bool = False
    """Only another set of defaults: all others win over it, and a rule that is built in counts beside its `type`."""


class Said(NamedTuple):
    """One value that one source gives a program."""

    value: object
    by: str
    """The source, and the part of it."""
    rank: int
    """Who wins: values of higher rank; 0 for defaults."""


@dataclass(frozen=True, slots=True)
class Policy:
    sources: tuple[Source, ...] = ()
    """Later ones win, enforced ones over the others, those that are `default` over none of these."""
    issues: tuple[Issue, ...] = ()
    """What was ignored in them, and traps found in them."""
    ignore_case: bool = sys.platform == "win32"
    """Whether `SHOP.EXE` and `shop.exe` are one program."""
    default_folder: str | None = None
    """Where dumps go when no source names a folder; None: to the user's own (`finalize.folder.default_folder`)."""

    def said(self, program: str) -> Mapping[str, tuple[Said, ...]]:
        """All that the sources say about a program, by field (a rule: `rules.KIND`); the last of each counts.

        Each source is put together as WER does it (its values for all programs, then those for this one); a later
        source is laid over the result. An exclusion is `enabled = false` between the two.
        """
        found: dict[str, list[Said]] = {f"rules.{kind}": [Said(type_, BUILT_IN, 0)] for kind, type_ in RULES.items()}
        ordered = sorted(self.sources, key=lambda source: (source.enforced, not source.default))
        for rank, source in enumerate(ordered, 1):
            for by, part in self._parts(source, program):
                # A program's own values outrank those for all of the same source.
                place = 0 if source.default else 2 * rank + (by != source.name)
                for key, value in part.items():
                    found.setdefault(key, []).append(Said(value, by, place))
        return {key: tuple(values) for key, values in found.items()}

    def settings_for(self, program: str) -> tuple[Settings, Mapping[str, str]]:
        """What applies to a program (a file name), and where each value comes from that is not the default.

        The keys of the second are fields of `Settings`, and `rules.KIND`.
        """
        last = {key: values[-1] for key, values in self.said(program).items()}
        fields: dict[str, Any] = {key: said.value for key, said in last.items() if "." not in key}
        rules = {key.removeprefix("rules."): str(said.value) for key, said in last.items() if "." in key}
        return Settings(**fields, rules=rules), {key: said.by for key, said in last.items() if said.by != BUILT_IN}

    def _parts(self, source: Source, program: str) -> Iterator[tuple[str, Mapping[str, object]]]:
        yield source.name, source.values
        for pattern in source.exclude:
            if self._fits(pattern, program):
                yield f"{source.name}, exclude {pattern!r}", {"enabled": False}
                break
        for name, values in source.applications.items():
            if self._folded(name) == self._folded(program):
                yield f"{source.name}, for {name}", values

    def _fits(self, pattern: str, program: str) -> bool:
        """Only `*` is special, as often as one likes; linear, whatever the pattern."""
        first, *rest = self._folded(pattern).split("*")
        name = self._folded(program)
        if not rest:
            return name == first
        if not name.startswith(first):
            return False
        position = len(first)
        for part in rest[:-1]:
            position = name.find(part, position)
            if position < 0:
                return False
            position += len(part)
        return name.endswith(rest[-1]) and len(name) - len(rest[-1]) >= position

    def _folded(self, name: str) -> str:
        return name.casefold() if self.ignore_case else name
