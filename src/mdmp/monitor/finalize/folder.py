"""The folder that dumps go to: where it is by default, and whether anybody could lead us astray on the way to it.

Threats and what stands against them are told in `docs/finalize.md`.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.dumpfile.part_file import PartFile
from mdmp.errors import SaveError

if TYPE_CHECKING:
    from mdmp.monitor.fault import Subject

SYSTEM_FOLDER = "/var/lib/mdmp/dumps"
"""Of the system's handler: in it a folder for each user, named by the user's number, so that nobody's dumps push out
those of others."""
PRIVATE, ORDINARY = 0o700, 0o755
MAX_LINKS = 40
"""Symbolic links on the way, as many as the kernel follows."""


def default_folder(subject: Subject, *, system_wide: bool = False) -> str:
    """Where dumps of a process go when the policy names no folder.

    Windows: `%LOCALAPPDATA%\\CrashDumps`, as WER; macOS: `~/Library/Logs/mdmp`, where users and Console look; else
    `mdmp/dumps` in the user's folder for state (XDG). `system_wide`: for the system's handler.
    """
    variables = subject.variables
    if sys.platform == "win32":
        local = variables.get("LOCALAPPDATA")
        if not local:
            local = os.path.join(variables.get("USERPROFILE") or os.path.expanduser("~"), "AppData", "Local")
        return os.path.join(local, "CrashDumps")
    else:
        uid = os.geteuid() if subject.uid is None else subject.uid
        home = variables.get("HOME", "")
        home = home if home.startswith("/") else _home(uid)
        if system_wide or not home:
            return f"{SYSTEM_FOLDER}/{uid}"
        if sys.platform == "darwin":
            return os.path.join(home, "Library", "Logs", "mdmp")
        state = variables.get("XDG_STATE_HOME", "")
        return os.path.join(state if state.startswith("/") else os.path.join(home, ".local", "state"), "mdmp", "dumps")


def make_folder(folder: str, *, strict: bool = False) -> str | None:
    """The folder, made if need be, for its owner's eyes only. Returns what is doubtful about it.

    Refused with `SaveError` is a way on which any user of the system put something: an entry of another user in a
    directory that all may write to (`/tmp`). With `strict`, which is for handlers that nobody watches, every directory
    and link on the way must belong to root or to us, and be writable for nobody else: then no other user can exchange a
    part of the path afterwards, either.
    """
    try:
        if sys.platform == "win32":
            os.makedirs(folder, PRIVATE, exist_ok=True)
            return None
        else:
            return _walk(os.path.abspath(folder), strict)
    except OSError as problem:
        raise SaveError(f"the folder {folder} cannot be made or entered: {problem.strerror}") from None


def prove_folder(folder: str) -> None:
    """The folder, made if need be, and a file in it for a moment. `SaveError` where dumps cannot be."""
    make_folder(folder)
    try:
        with PartFile(os.path.join(folder, "dump")):
            pass
    except OSError as problem:
        raise SaveError(f"the folder {folder} cannot be written to: {problem.strerror}") from None


if sys.platform != "win32":

    def _home(uid: int) -> str:
        import pwd

        try:
            home = pwd.getpwuid(uid).pw_dir
        except KeyError:
            return ""
        return home if home.startswith("/") else ""

    # to pass through a directory needs no permission to list it
    _DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

    def _walk(path: str, strict: bool) -> str | None:
        """Component by component, each looked at in the directory that was opened before it."""
        todo, done, links, doubt = path.split("/")[::-1], "/", 0, None
        here = os.open("/", _DIRECTORY)
        try:
            while todo:
                name = todo.pop()
                if name in ("", "."):
                    continue
                entry = os.path.join(done, name)
                found = _look(here, name, ORDINARY if any(todo) else PRIVATE)
                _check_entry(found, os.fstat(here), entry, strict)
                if stat.S_ISLNK(found.st_mode):
                    links += 1
                    if links > MAX_LINKS:
                        raise SaveError(f"{path}: too many symbolic links on the way")
                    target = os.readlink(name, dir_fd=here)
                    todo += target.split("/")[::-1]
                    if not target.startswith("/"):
                        continue
                    name = entry = "/"
                following = os.open(name, _DIRECTORY, dir_fd=here)
                os.close(here)
                here, done = following, os.path.normpath(entry)
                if problem := _weakness(os.fstat(here), done, strict):
                    if strict:
                        raise SaveError(problem)
                    doubt = problem
        finally:
            os.close(here)
        return doubt

    def _look(folder: int, name: str, mode: int) -> os.stat_result:
        """What an entry is; a directory is made where there is none."""
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            with suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=folder)
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def _weakness(found: os.stat_result, path: str, strict: bool) -> str | None:
        """Why others may remove and exchange what is in a directory."""
        mode = found.st_mode
        if mode & stat.S_ISVTX:
            return None
        if mode & stat.S_IWOTH:
            return f"{path}: everybody may change what is in this folder"
        # Access lists show as rights of the group; a user's own group has nobody else in it on most systems.
        if strict and mode & stat.S_IWGRP and (os.geteuid() == 0 or found.st_gid != os.getegid()):
            return f"{path}: the group {found.st_gid} may change what is in this folder"
        return None

    def _check_entry(found: os.stat_result, parent: os.stat_result, path: str, strict: bool) -> None:
        open_to_all = parent.st_mode & stat.S_IWOTH
        if (strict or open_to_all) and found.st_uid not in _trusted():
            raise SaveError(f"{path}: belongs to another user ({found.st_uid}), who could lead us astray")

    def _trusted() -> tuple[int, ...]:
        """Us, and whoever owns the root directory: root, by whatever number it is seen in a container."""
        return os.geteuid(), 0, os.stat("/").st_uid
