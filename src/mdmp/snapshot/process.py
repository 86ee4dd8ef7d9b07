"""The process as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Process:
    pid: int | None = None
    create_time: datetime | None = None
    user_time: timedelta | None = None
    kernel_time: timedelta | None = None
    integrity_level: int | None = None
    execute_flags: int | None = None
    protected: bool | None = None
    command_line: str | None = None
    time_zone: str | None = None
    build: str | None = None
    """The system's build text (`19041.1.amd64fre.vb_release.191206-1406`)."""
    debug_build: str | None = None
    """The dump writer's build text (`dbghelp.amd64,10.0.19041.1`)."""
    vm_counters: Mapping[str, int] = field(default_factory=dict)
    """Memory counters of the process by plain name, in bytes or counts as the name says."""
