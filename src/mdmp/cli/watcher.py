"""The process that `install_handler` starts to watch its program. No command: nobody else starts it."""

from __future__ import annotations


def main() -> None:
    from mdmp.monitor.watcher_process import watch

    watch(_report)


def _report(path: str) -> str:
    raise NotImplementedError
