"""Values set in HKEY_LOCAL_MACHINE by `mdmp install`, remembered so that `mdmp uninstall` can put back what was there.

They are remembered in the registry, too: a JSON list in the value `Changes` of `HKLM\\SOFTWARE\\mdmp`.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any, NamedTuple

from mdmp.errors import UsageError

assert sys.platform == "win32"

import winreg

STATE = r"SOFTWARE\mdmp"
_NAME = "Changes"
Data = str | int | bytes | list[str] | None
"""What a value may hold, whatever its type; None: nothing."""
BITS_64, BITS_32 = winreg.KEY_WOW64_64KEY, winreg.KEY_WOW64_32KEY


class Change(NamedTuple):
    view: int
    """`BITS_64` or `BITS_32`: which half of the registry."""
    path: str
    name: str
    kind: int
    """REG_* of what was set."""
    value: str | int
    old_kind: int | None = None
    """None: there was no such value."""
    old_value: Data = None
    made: str = ""
    """The key nearest to the root that had to be made for it."""

    @property
    def place(self) -> str:
        half = " (32-bit programs)" if self.view == BITS_32 else ""
        return f"HKLM\\{self.path}, {self.name}{half}"

    @property
    def holds(self) -> bool:
        """Nobody has changed it since."""
        return read(self.view, self.path, self.name) == (self.kind, self.value)


_TYPES: tuple[type | tuple[type, ...], ...] = (
    int,
    str,
    str,
    int,
    (str, int),
    (int, type(None)),
    (str, int, bytes, list, type(None)),
    str,
)
"""Of the fields of `Change`."""


def read(view: int, path: str, name: str) -> tuple[int, Data] | None:
    """Type and data of a value; None when there is none."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_READ | view) as key:
            value, kind = winreg.QueryValueEx(key, name)
    except OSError:
        return None
    return kind, value


def remembered() -> list[Change]:
    found = read(BITS_64, STATE, _NAME)
    if found is None or not isinstance(found[1], str):
        return []
    try:
        return [_change(entry) for entry in json.loads(found[1], object_hook=_bytes)]
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise UsageError(f"HKLM\\{STATE}, {_NAME}: not what mdmp wrote there: {problem}") from None


def _change(entry: list[Any]) -> Change:
    """`ValueError` and `TypeError` for what is none."""
    change = Change(*entry)
    for name, value, types in zip(Change._fields, change, _TYPES, strict=True):
        if not isinstance(value, types):
            raise ValueError(f"{name} is {value!r}")
    if change.view not in (BITS_64, BITS_32):
        raise ValueError(f"view is {change.view}")
    return change


def make(wanted: list[Change]) -> None:
    """Sets values. What was there before is what `remembered` says, where a value is ours already."""
    before = {(change.view, change.path, change.name): change for change in remembered()}
    made = []
    try:
        for change in wanted:
            known = before.pop((change.view, change.path, change.name), None)
            if known and known.holds:
                made.append(known._replace(kind=change.kind, value=change.value))
            else:
                old = read(change.view, change.path, change.name) or (None, None)
                fresh = _first_missing(change.view, change.path)
                made.append(change._replace(old_kind=old[0], old_value=old[1], made=fresh))
        # Remembered first: what is interrupted can be put back.
        _remember([*before.values(), *made])
        for change in made:
            _set(change.view, change.path, change.name, change.kind, change.value)
    except PermissionError:
        raise UsageError("this takes the rights of an administrator: it holds for all programs of all users") from None


def put_back() -> list[str]:
    """Undoes all changes, the last one first; a line for each value that somebody else has changed since, or removed
    though there was one before."""
    told = []
    changes = remembered()
    try:
        for change in reversed(changes):
            found = read(change.view, change.path, change.name)
            if found is None and change.old_kind is not None:
                told.append(f"{change.place}: removed by somebody else since: left so")
            elif found is not None and not change.holds:
                told.append(f"{change.place}: changed by somebody else since: left as it is")
            elif change.old_kind is None:
                _remove(change)
            else:
                _set(change.view, change.path, change.name, change.old_kind, change.old_value)
        _forget()
    except PermissionError:
        raise UsageError("this takes the rights of an administrator") from None
    return told


def _set(view: int, path: str, name: str, kind: int, value: Data) -> None:
    with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_SET_VALUE | view) as key:
        winreg.SetValueEx(key, name, 0, kind, value)


def _remove(change: Change) -> None:
    access = winreg.KEY_SET_VALUE | change.view
    with suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, change.path, 0, access) as key:
        winreg.DeleteValue(key, change.name)
    path = change.path
    while change.made and len(path) >= len(change.made):  # the mere existence of some keys means something
        _remove_empty(change.view, path)
        path = path.rpartition("\\")[0]


def _remove_empty(view: int, path: str) -> None:
    with suppress(FileNotFoundError):
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, winreg.KEY_READ | view) as key:
            keys, values, _ = winreg.QueryInfoKey(key)
        if not keys and not values:
            winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, path, view)


def _first_missing(view: int, path: str) -> str:
    """The key nearest to the root that is not there; "" when all are."""
    parts = path.split("\\")
    for count in range(1, len(parts) + 1):
        part = "\\".join(parts[:count])
        try:
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, part, 0, winreg.KEY_READ | view).Close()
        except FileNotFoundError:
            return part
    return ""


def _remember(changes: list[Change]) -> None:
    _set(BITS_64, STATE, _NAME, winreg.REG_SZ, json.dumps(changes, default=lambda raw: {"hex": raw.hex()}))


def _bytes(found: dict[str, Any]) -> bytes:
    """REG_BINARY, for which JSON has no form of its own."""
    return bytes.fromhex(found["hex"])


def _forget() -> None:
    with (
        suppress(FileNotFoundError),
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, STATE, 0, winreg.KEY_SET_VALUE | BITS_64) as key,
    ):
        winreg.DeleteValue(key, _NAME)
    _remove_empty(BITS_64, STATE)
