"""Variables in folders, replaced by what they are for the user whose program crashed."""

from __future__ import annotations

import ntpath
import posixpath
import re
import sys
from collections.abc import Mapping

_VARIABLE = re.compile(r"%([^%=/\\]+)%|\$\$|\$(\w+)|\$\{([^{}]+)\}|^~(?=$|[/\\])")


def expand(folder: str, variables: Mapping[str, str], platform: str = sys.platform) -> str:
    """A folder with `%NAME%`, `$NAME`, `${NAME}` and a leading `~` replaced; `$$` is a dollar sign.

    What is put in is not looked through again. `ValueError`, in words, for a variable that is not known, and for what
    is no absolute path then.
    """
    known = {name.upper(): value for name, value in variables.items()} if platform == "win32" else variables

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if match[0] == "~":
            name = "USERPROFILE" if platform == "win32" else "HOME"
        else:
            name = match[1] or match[2] or match[3]
        found = known.get(name.upper() if platform == "win32" else name)
        if not found:
            raise ValueError(f"the variable {match[0]} is not known for the user of the program")
        return found

    path = _VARIABLE.sub(value, folder)
    if not _is_absolute(path, platform) or "\0" in path:
        raise ValueError(f"{path!r} is not an absolute path")
    return path


def is_relative(folder: str, platform: str = sys.platform) -> bool:
    """Whatever its variables are: it begins with none, and is no absolute path."""
    return not folder.startswith(("~", "%", "$")) and not _is_absolute(folder, platform)


def _is_absolute(path: str, platform: str) -> bool:
    if platform == "win32":  # without a drive it is one of whoever looks
        return ntpath.isabs(path) and ntpath.splitdrive(path)[0] != ""
    return posixpath.isabs(path)
