"""Windows' own registry, read through `winreg`, and the values of LocalDumps written to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from mdmp.errors import UsageError
from mdmp.monitor.policy.registry import FIELDS, LOCAL_DUMPS, MAX_KEY, Registry, local_dumps_value

assert sys.platform == "win32"

import winreg  # noqa: E402

T = TypeVar("T")

MAX_ENTRIES = 10_000


class WindowsKey:
    """A key by its path: opened for each question, so that nothing has to be closed."""

    def __init__(self, root: int, path: str = "", view: int = 0) -> None:
        self._root = root
        self._path = path
        self._view = view

    def values(self) -> Mapping[str, tuple[int, object]]:
        return {name: (type_, data) for name, data, type_ in self._each(winreg.EnumValue)}

    def subkeys(self) -> Sequence[str]:
        return list(self._each(winreg.EnumKey))

    def open(self, path: str) -> WindowsKey | None:
        key = WindowsKey(self._root, f"{self._path}\\{path}" if self._path else path, self._view)
        try:
            key._opened().Close()
        except OSError:
            return None
        return key

    def _opened(self) -> winreg.HKEYType:
        return winreg.OpenKey(self._root, self._path, 0, winreg.KEY_READ | self._view)

    def _each(self, entry: Callable[[winreg.HKEYType, int], T]) -> Iterator[T]:
        # OSError: the end of the list, or we may not read it.
        with suppress(OSError), self._opened() as key:
            for index in range(MAX_ENTRIES):
                yield entry(key, index)


def open_registry() -> Registry:
    view_64 = winreg.KEY_WOW64_64KEY if _has_two_views() else 0
    return Registry(
        machine=WindowsKey(winreg.HKEY_LOCAL_MACHINE, "", view_64),
        machine_32=WindowsKey(winreg.HKEY_LOCAL_MACHINE, "", winreg.KEY_WOW64_32KEY) if view_64 else None,
        user=WindowsKey(winreg.HKEY_CURRENT_USER),
    )


def set_local_dumps(field: str, value: object, program: str | None) -> str:
    """Writes (None: removes) a value of LocalDumps, for all programs or one; returns the key's name.

    `UsageError` when LocalDumps cannot say it, and when we may not.
    """
    name = next((name for name, known in FIELDS.items() if known == field), None)
    if name is None:
        raise UsageError(f"LocalDumps knows nothing like {field} (only: {', '.join(FIELDS.values())})")
    if program and len(program) > MAX_KEY:  # the system would make the keys above it, and they mean something
        raise UsageError(f"LocalDumps has room for names of {MAX_KEY} characters; found {len(program)}")
    path = f"{LOCAL_DUMPS}\\{program}" if program else LOCAL_DUMPS
    access = winreg.KEY_SET_VALUE | (winreg.KEY_WOW64_64KEY if _has_two_views() else 0)
    try:
        if value is None:
            with suppress(FileNotFoundError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
                winreg.DeleteValue(key, name)
        else:
            type_, data = local_dumps_value(field, value)
            with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
                winreg.SetValueEx(key, name, 0, type_, data)
    except PermissionError:
        raise UsageError(f"HKLM\\{path} cannot be written: it takes administrator rights") from None
    except OSError as problem:
        raise UsageError(f"HKLM\\{path} cannot be written: {problem.strerror}") from None
    return f"HKLM\\{path}"


def _has_two_views() -> bool:
    return sys.maxsize > 1 << 32 or "PROCESSOR_ARCHITEW6432" in os.environ
