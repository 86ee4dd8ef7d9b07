"""A program's name and arguments -> a command line, as Windows would find and quote them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.run import StartError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_FOUND, NOT_RUN = 127, 126
"""What is returned for a program that is not there, and one that cannot be started, as on Linux."""
SCRIPTS = (".bat", ".cmd")
_UNSAFE = frozenset('"%!\r\n')
"""In arguments of a batch file cmd.exe would make more of them than text, quoted or not."""


def find_program(name: str, variables: Mapping[str, str]) -> str:
    """The path of a program: as given, or in the current folder and in those of PATH; each with the suffixes of PATHEXT
    where the name has none. `StartError` when there is none."""
    suffixes = [text for text in variables.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if text]
    names = [name] if os.path.splitext(name)[1] else []
    names += [name + suffix.lower() for suffix in suffixes]
    folders = [""]
    if not os.path.dirname(name):
        folders += [folder.strip('"') for folder in variables.get("PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        for each in names:
            path = os.path.join(folder, each)
            if os.path.isfile(path):
                return os.path.abspath(path)
    if os.path.isfile(name):
        raise StartError(f"cannot start {name}: its name does not end in {', '.join(suffixes).lower()}", NOT_RUN)
    raise StartError(f"cannot start {name}: there is no such program", NOT_FOUND)


def command_line(path: str, arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[str, str]:
    """What CreateProcess needs: the executable, and the whole command line. A batch file is run by cmd.exe."""
    if os.path.splitext(path)[1].lower() not in SCRIPTS:
        return path, subprocess.list2cmdline([path, *arguments])
    for argument in arguments:
        if _UNSAFE & set(argument):
            raise UsageError(f"cannot give {argument!r} to a batch file unchanged: cmd.exe would interpret it")
    shell = variables.get("COMSPEC") or r"C:\Windows\System32\cmd.exe"
    inner = " ".join(f'"{text}"' for text in (path, *arguments))
    return shell, f'"{shell}" /d /s /c "{inner}"'
