"""Where the system's handler keeps what it needs, and what was installed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from mdmp.errors import UsageError
from mdmp.monitor.whole_file import write_whole

_MAX_CONFIG = 1 << 16


class Places(NamedTuple):
    """All belong to root."""

    launcher: str = "/usr/local/lib/mdmp/postmortem"
    home: str = "/var/lib/mdmp"
    persist: str = "/etc/sysctl.d/95-mdmp.conf"
    """Has the system set core_pattern again when it starts."""

    @property
    def config(self) -> str:
        return f"{self.home}/postmortem.json"

    @property
    def dumps(self) -> str:
        """Holds a folder for each user, named by the user's number."""
        return f"{self.home}/dumps"

    @property
    def slots(self) -> str:
        return f"{self.home}/slots"

    @property
    def log(self) -> str:
        return f"{self.home}/postmortem.log"


STANDARD = Places()


@dataclass(frozen=True, slots=True)
class Config:
    """What `mdmp install` leaves for the handler and for `mdmp uninstall`."""

    pattern: str
    """Of core_pattern, ours."""
    pipe_limit: int
    old_pattern: str
    """Before ours."""
    old_pipe_limit: int
    home: str
    pass_on: bool = False
    """Give the core to whom it went before."""
    only: str | None = None
    """Programs that get dumps, by path with `*`; the core of any other goes to whom it went before."""
    policy: str | None = None
    """The system's policy file, when it is another than usual."""
    limit: int = 300
    """Seconds after which a handler is stopped."""
    persist: str | None = None
    """The file that was written so that the setting outlives a restart."""
    launcher: str = ""
    forced: bool = False
    """Others than root may be able to change what root runs, and that was wanted."""

    @property
    def places(self) -> Places:
        return Places(home=self.home, launcher=self.launcher)


def read_config(path: str) -> Config | None:
    """None: nothing is installed. `UsageError` when the file is damaged, or not root's alone."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with open(number, "rb") as file:
        found = os.fstat(number)
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            raise UsageError(f"{path}: others than root may change it")
        raw = file.read(_MAX_CONFIG)
    try:
        values = json.loads(raw)
        known: dict[str, Any] = {field.name: values[field.name] for field in fields(Config) if field.name in values}
        return Config(**known)
    except (ValueError, TypeError, RecursionError) as problem:
        raise UsageError(f"{path}: damaged ({problem})") from None


def write_config(path: str, config: Config) -> None:
    write_whole(path, json.dumps(asdict(config), indent=1).encode() + b"\n", 0o644)
