"""The small program that the kernel starts: core_pattern has room for 127 bytes, no environment and no shell."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import sysconfig
from typing import TYPE_CHECKING

from mdmp.monitor.interpreter import package_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.linux.places import Places

_EXTRAS = ("capstone", "demangle")
"""Packages that a report needs, which may lie elsewhere than mdmp."""
MAX_TOLD = 5


def launcher_text(places: Places) -> str:
    """No site packages are set up (`-S`): what root runs is Python's own library and mdmp, and `trouble` looks at all
    of it. Reports are made with the user's rights and find the rest at the end of the path."""
    paths = [package_root(), *_extra_roots()]
    code = f"import sys; sys.path += {paths!r}; from mdmp.cli.__main__ import main; sys.exit(main())"
    words = ["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
    words += [sys.executable, "-I", "-S", "-X", "utf8", "-c", code, "postmortem", "--config", places.config]
    return (
        "#!/bin/sh\n"
        "# The kernel starts this when a program crashes. Made by `mdmp install`; `mdmp uninstall` removes it.\n"
        f'exec {shlex.join(words)} "$@" >/dev/null 2>&1\n'
    )


def _extra_roots() -> list[str]:
    """Folders of this Python's path that hold what a report needs."""
    roots = [folder for folder in sys.path if any(os.path.isdir(os.path.join(folder, name)) for name in _EXTRAS)]
    return [folder for folder in dict.fromkeys(map(os.path.abspath, roots)) if folder != package_root()]


def trouble() -> list[str]:
    """What of Python or mdmp somebody else than root could change, in words; empty when root may run it."""
    found: dict[str, None] = {}
    safe: set[str] = set()
    for path in _run_by_root():
        for problem in _changeable(path, safe):
            found[problem] = None
            if len(found) > MAX_TOLD:
                return list(found)
    return list(found)


def _run_by_root() -> Iterator[str]:
    yield sys.executable
    yield os.path.join(sys.prefix, "pyvenv.cfg")
    yield from _tree(os.path.join(package_root(), "mdmp"))
    for folder in dict.fromkeys(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")):
        yield from _tree(folder)
    for root in _extra_roots():
        yield root
        for name in _EXTRAS:
            yield from _tree(os.path.join(root, name))


def _tree(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("site-packages", "dist-packages", "test")]
        yield path
        yield from (os.path.join(path, name) for name in files)


def _changeable(path: str, safe: set[str]) -> Iterator[str]:
    """The path itself and each folder on the way, by its name and by where links lead; `safe` are those seen before."""
    for start in dict.fromkeys((os.path.abspath(path), os.path.realpath(path))):
        at = start
        while at not in safe:
            problem = _problem(at)
            if problem:
                yield problem
                break
            safe.add(at)
            if at == "/":
                break
            at = os.path.dirname(at)


def _problem(path: str) -> str | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None  # what is not there is not run
    if found.st_uid != 0:
        return f"{path} belongs to user {found.st_uid}"
    if stat.S_ISLNK(found.st_mode):
        return None
    if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
        return None  # where everybody may only change what is theirs
    if found.st_mode & 0o002 or (found.st_mode & 0o020 and found.st_gid != 0):
        return f"{path} can be changed by others than root (mode {stat.S_IMODE(found.st_mode):o})"
    return None
