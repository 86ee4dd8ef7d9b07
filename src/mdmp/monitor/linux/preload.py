"""What the handler imports before it gives up root's rights, where the program's user may not read our Python."""

from __future__ import annotations

import codecs
import os
import pkgutil
import sys
from importlib import import_module

from mdmp.monitor.interpreter import package_root

_PACKAGES = ("formats.minidump", "formats.proc", "formats.elf", "dumpfile", "snapshot", "capture", "monitor")
_OTHERS = (
    *("pwd", "tomllib", "string", "threading", "subprocess", "shutil"),
    *("socket", "ssl", "urllib.request", "http.client"),
)
_CODECS = ("ascii", "idna", "latin-1", "unicode-escape", "utf-8-sig", "utf-16", "utf-16-le")


def readable_for_all() -> bool:
    """Whether every user can read what we are made of."""
    return all(map(_open, (os.path.dirname(os.__file__), os.path.join(package_root(), "mdmp"))))


def preload() -> None:
    """What is imported later than this has to be in here; what a report needs is too much, so there is none then."""
    for name in _OTHERS:
        _load(name)
    for name in _CODECS:
        codecs.lookup(name)
    for package in _PACKAGES:
        module = import_module(f"mdmp.{package}")
        for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}.", onerror=lambda _: None):
            if ".windows" not in found.name:
                _load(found.name)


def _load(name: str) -> None:
    """Some are for other systems: those are not needed here."""
    try:
        if name not in sys.modules:
            import_module(name)
    except (ImportError, AssertionError):
        return


def _open(folder: str) -> bool:
    while True:
        if not os.stat(folder).st_mode & 0o001:
            return False
        parent = os.path.dirname(folder)
        if parent == folder:
            return True
        folder = parent
