"""Programs traced by ptrace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions


def run_linux(arguments: Sequence[str], keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> int:
    raise NotImplementedError


def attach_linux(pid: int, keeper: Keeper, options: MonitorOptions, tell: Callable[[str], None]) -> None:
    raise NotImplementedError
