"""Environment and command line -> sources."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.policy.policy import Source
from mdmp.monitor.policy.values import KEYS, names

if TYPE_CHECKING:
    from mdmp.errors import IssueLog

PREFIX = "MDMP_DUMP_"
"""`MDMP_DUMP_FOLDER`, `MDMP_DUMP_MAX_AGE`, `MDMP_DUMP_RULES_ABORT`…, and `MDMP_DUMP_EXCLUDE`."""

VARIABLES: Mapping[str, str] = {PREFIX + key.upper().replace(".", "_"): key for key in KEYS}
"""Variable -> key."""

EXCLUDE = f"{PREFIX}EXCLUDE"


def environment_source(environment: Mapping[str, str], issues: IssueLog) -> Source:
    values: dict[str, object] = {}
    exclude: tuple[str, ...] = ()
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        key = VARIABLES.get(variable)
        try:
            if variable == EXCLUDE:
                exclude = names(text)
            elif key is None:
                issues.add("environment", f"{variable}: unknown")
            else:
                values[key] = _here(key, KEYS[key].parse(text))
        except (ValueError, OverflowError):
            expected = KEYS[key].expected if key else "names of programs with commas"
            issues.add("environment", f"{variable}: expected {expected}; found {text[:60]!r}")
    return Source("environment", values, {}, exclude)


def command_line_source(options: Mapping[str, object]) -> Source:
    """Of options by key, those that are None not given; a number as `type` are MINIDUMP_TYPE bits. `UsageError` for one
    that makes no sense."""
    values: dict[str, object] = {}
    for key, value in options.items():
        if value is None:
            continue
        if key == "type" and isinstance(value, int):
            values |= {"type": "custom", "custom_flags": value}
            continue
        if key not in KEYS:
            raise UsageError(f"no setting {key!r} (there are: {', '.join(KEYS)})")
        try:
            values[key] = _here(key, KEYS[key].parse(value))
        except (ValueError, OverflowError):
            raise UsageError(f"{key}: expected {KEYS[key].expected}; found {value!r}") from None
    return Source("command line", values, {})


def _here(key: str, value: object) -> object:
    """A folder relative to where the user is."""
    if key == "folder" and isinstance(value, str) and value[0] not in "~%$":
        return os.path.abspath(value)
    return value
