"""Times, counters, texts and open files of a process -> `Process`, `Annotations`, `Handle`."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mdmp.capture.linux.proc import Proc, read_text
from mdmp.formats.proc.status import memory_counters, parse_fields
from mdmp.snapshot import Handle, Process

if TYPE_CHECKING:
    from mdmp.capture.options import CaptureOptions
    from mdmp.formats.proc.stat import Stat

_KIND = re.compile(r"(?:anon_inode:)?\[?(\w+)\]?")


def ticks(count: int) -> timedelta:
    return timedelta(seconds=count / os.sysconf("SC_CLK_TCK"))


def boot_time() -> datetime | None:
    """When the system began, to a second: the kernel tells it no better."""
    found = re.search(rb"^btime (\d+)$", read_text("/proc/stat") or b"", re.MULTILINE)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def start_time(stat: Stat | None, booted: datetime | None) -> datetime | None:
    """When a process or thread began; `booted`: see `boot_time`."""
    return booted + ticks(stat.start_ticks) if stat and booted else None


def read_process(proc: Proc, options: CaptureOptions, status: bytes) -> Process:
    stat = proc.stat()
    command = proc.text("cmdline") if options.command_line else None
    return Process(
        pid=proc.pid,
        create_time=start_time(stat, boot_time()),
        user_time=ticks(stat.user_ticks) if stat else None,
        kernel_time=ticks(stat.kernel_ticks) if stat else None,
        command_line=command.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace") if command else None,
        vm_counters=memory_counters(parse_fields(status)),
    )


def read_texts(proc: Proc, options: CaptureOptions, maps: bytes, status: bytes) -> dict[str, bytes]:
    """The texts that Linux dumps carry, by the names of `Annotations.texts`."""
    found = {
        "maps": maps,
        "status": status,
        "limits": proc.text("limits"),
        "cpuinfo": read_text("/proc/cpuinfo"),
        "lsb-release": read_text("/etc/lsb-release") or read_text("/etc/os-release"),
        "cmdline": proc.text("cmdline") if options.command_line else None,
        "environ": proc.text("environ") if options.environment else None,
    }
    return {name: text for name, text in found.items() if text}


def read_handles(proc: Proc) -> tuple[Handle, ...]:
    """The open files: what they are, and where they lead."""
    return tuple(
        Handle(number, _kind(target), target) for number in proc.names("fd") if (target := proc.link(f"fd/{number}"))
    )


def _kind(target: str) -> str:
    """`socket`, `pipe`, `eventfd`…; `device` or `file` by its path alone: asking a network's file could take long."""
    if target.startswith("/"):
        return "device" if target.startswith("/dev/") and not target.startswith("/dev/shm/") else "file"
    match = _KIND.match(target)
    return match[1] if match else "file"
