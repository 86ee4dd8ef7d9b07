"""Programs debugged by the debug API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions


def run_windows(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    raise NotImplementedError


def attach_windows(pid: int, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> None:
    raise NotImplementedError
