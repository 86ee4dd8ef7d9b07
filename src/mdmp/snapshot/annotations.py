"""What programs and crash handlers wrote down for us."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Annotations:
    process: Mapping[str, str] = field(default_factory=dict)
    """Key and value as the crash handler kept them."""
    modules: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """The same per module, by its index in `Snapshot.modules`; lists become keys `name[0]`…"""
    comments: tuple[str, ...] = ()
    assertion: str | None = None
    """A failed assertion in one line, where the handler recorded it."""
    report_id: str | None = None
    client_id: str | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """Small system files kept whole, by plain name: `maps`, `status`, `cmdline`, `cpuinfo`."""
    mac_crash_info: tuple[Mapping[str, str | int], ...] | None = None
    mac_boot_args: str | None = None
    soft_errors: str | None = None
    """JSON text of errors that the dump's writer survived."""
