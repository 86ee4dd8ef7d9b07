"""Policy files (TOML) -> sources. What is wrong in one costs that value only, and becomes an issue."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mdmp.monitor.fault import KINDS
from mdmp.monitor.policy.owner import check_administrators
from mdmp.monitor.policy.policy import Source
from mdmp.monitor.policy.values import KEYS, names

if TYPE_CHECKING:
    from mdmp.errors import IssueLog

MAX_SIZE = 256 << 10
"""Bytes of a policy file."""

_KNOWN = ", ".join(key for key in KEYS if "." not in key)

Values = dict[str, object]


def read_sources(path: str, issues: IssueLog, *, system: bool = False, owner: int | None = None) -> list[Source]:
    """The sources in a file: its own, and that of its table `enforced`. None when there is no such file.

    `system`: the system's file, which has to be out of reach of other users than its administrators and us; only it can
    enforce. `owner`: the file has to be that user's own, and no symbolic link: for files that we read with more rights
    than the one who wrote them.
    """
    try:
        if system:
            check_administrators(path)
        data = _read(path, owner)
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as problem:
        issues.add(path, f"not read: {getattr(problem, 'strerror', None) or problem}")
        return []
    return parse(data, path, issues, enforcing=system)


def parse(data: bytes, name: str, issues: IssueLog, *, enforcing: bool = False) -> list[Source]:
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        issues.add(name, f"not used at all: it is not TOML: {problem}")
        return []
    enforced = document.pop("enforced", None)
    found = [_source(document, name, "", issues)]
    if enforced is None:
        return found
    if not enforcing:
        issues.add(name, "enforced: ignored; only the system's file can enforce values")
    elif isinstance(enforced, dict):
        found.append(_source(enforced, name, "enforced.", issues))
    else:
        issues.add(name, f"enforced: expected a table; found {_shown(enforced)}")
    return found


def _source(document: Mapping[str, object], name: str, prefix: str, issues: IssueLog) -> Source:
    values: Values = {}
    applications: dict[str, Values] = {}
    exclude: tuple[str, ...] = ()
    for key, value in document.items():
        if key == "exclude":
            exclude += _exclude(value, f"{prefix}exclude", name, issues)
        elif key not in ("dumps", "rules", "applications"):
            hint = "; it belongs into the table [dumps]" if key in KEYS else ""
            issues.add(name, f"{prefix}{key}: unknown (there are: dumps, rules, applications, exclude){hint}")
        elif not isinstance(value, dict):
            issues.add(name, f"{prefix}{key}: expected a table; found {_shown(value)}")
        elif key == "dumps":
            table = dict(value)
            # Whoever writes `exclude` below `[dumps]` means the same.
            exclude += _exclude(table.pop("exclude", ()), f"{prefix}dumps.exclude", name, issues)
            values |= _values(table, f"{prefix}dumps.", name, issues)
        elif key == "rules":
            values |= _values({"rules": value}, prefix, name, issues)
        else:
            applications |= dict(_applications(value, f"{prefix}applications", name, issues))
    return Source(name, values, applications, exclude, enforced=bool(prefix))


def _applications(
    table: Mapping[str, object], prefix: str, name: str, issues: IssueLog
) -> Iterator[tuple[str, Values]]:
    for program, value in table.items():
        place = f"{prefix}.{_shown(program)}"
        if not isinstance(value, dict):
            hint = '; names with dots need quotes: [applications."app.exe"]'
            issues.add(name, f"{place}: expected a table; found {_shown(value)}{hint}")
        elif "/" in program or "\\" in program:
            issues.add(name, f"{place}: expected the name of a file without a folder")
        else:
            yield program, _values(value, f"{place}.", name, issues)


def _values(table: Mapping[str, object], prefix: str, name: str, issues: IssueLog) -> Values:
    values: Values = {}
    for key, value in _flat(table):
        if key not in KEYS:
            issues.add(name, f"{prefix}{key}: {_unknown(key, value)}")
            continue
        try:
            values[key] = KEYS[key].parse(value)
        except (ValueError, OverflowError):
            issues.add(name, f"{prefix}{key}: expected {KEYS[key].expected}; found {_shown(value)}")
    return values


def _unknown(key: str, value: object) -> str:
    if isinstance(value, dict):
        return 'unknown table; names with dots need quotes: [applications."app.exe"]'
    return f"unknown (there are: {', '.join(KINDS) if key.startswith('rules.') else _KNOWN})"


def _flat(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if key == "rules" and isinstance(value, dict):
            yield from ((f"rules.{kind}", type_) for kind, type_ in value.items())
        else:
            yield key, value


def _exclude(value: object, place: str, name: str, issues: IssueLog) -> tuple[str, ...]:
    try:
        return names(value)
    except ValueError:
        issues.add(name, f"{place}: expected a list of names of programs; found {_shown(value)}")
        return ()


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _read(path: str, owner: int | None) -> bytes:
    """`ValueError`, in words, when it is not a file of that owner, or too big."""
    # Not to wait at a pipe, nor to touch a device, that lies there by trick.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if owner is not None:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("it is not a regular file")
    descriptor = os.open(path, flags)
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not a regular file")
        if owner is not None and about.st_uid != owner:
            raise ValueError(f"it belongs to user {about.st_uid}, not to {owner}")
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise ValueError(f"it has more than {MAX_SIZE} bytes")
    return data
