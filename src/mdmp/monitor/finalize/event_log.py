"""An entry in the system's log: journald or syslog, on Windows the Application log."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from typing import TYPE_CHECKING

from mdmp.errors import SaveError
from mdmp.monitor.finalize.describe import describe, facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mdmp.monitor.keeper import Outcome

MESSAGE_ID = "88cfc603f7294eeba1de31e003f2696a"
"""Finds all our entries: `journalctl MESSAGE_ID=…`."""
JOURNAL = "/run/systemd/journal/socket"
SYSLOG = "/var/run/syslog" if sys.platform == "darwin" else "/dev/log"
SECONDS = 1.0
"""A log that does not take an entry in that time does without it."""
ERROR, WARNING, NOTICE = 3, 4, 5
"""Severities of syslog."""
_USER = 1 << 3
"""The facility of programs."""


def log_outcome(outcome: Outcome, journal: str = JOURNAL, syslog: str = SYSLOG) -> None:
    """`SaveError` when there is no log that takes the entry."""
    message, facts = describe(outcome), facts_of(outcome)
    crashed = outcome.fault.is_crash and outcome.fault.kind != "exit"
    severity = ERROR if crashed else WARNING if outcome.problem else NOTICE
    if sys.platform == "win32":
        from mdmp.monitor.windows.event_log import report_event

        report_event(message, facts, severity)
    else:
        fields = {f"MDMP_{name.upper()}": str(value) for name, value in facts.items()}
        head = {"MESSAGE": message, "MESSAGE_ID": MESSAGE_ID, "PRIORITY": str(severity), "SYSLOG_IDENTIFIER": "mdmp"}
        problems: dict[str, OSError] = {}
        try:
            send_journal({**head, **fields}, journal)
            return
        except OSError as problem:
            problems["journald"] = problem
        try:
            send_syslog(message, severity, syslog)
            return
        except OSError as problem:
            problems["syslog"] = problem
        if all(isinstance(problem, FileNotFoundError) for problem in problems.values()):
            hint = "`mdmp policy set log false` does without"
            raise SaveError(f"no entry in the system's log: neither journald nor syslog runs here ({hint})")
        words = "; ".join(f"{name}: {problem.strerror or problem}" for name, problem in problems.items())
        raise SaveError(f"no entry in the system's log ({words})")


if sys.platform != "win32":

    def send_journal(fields: Mapping[str, str], address: str = JOURNAL) -> None:
        """One entry, in one datagram. Source: systemd's description of the journal's native protocol."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SECONDS)
            sender.sendto(journal_entry(fields), address)

    def send_syslog(message: str, severity: int, address: str = SYSLOG) -> None:
        """One line as local programs send it (RFC 3164, without the host)."""
        line = f"<{_USER | severity}>{time.strftime('%b %e %H:%M:%S')} mdmp[{os.getpid()}]: {message}"
        for kind, end in ((socket.SOCK_DGRAM, b""), (socket.SOCK_STREAM, b"\0")):
            with socket.socket(socket.AF_UNIX, kind) as sender:
                sender.settimeout(SECONDS)
                try:
                    sender.connect(address)
                except OSError as problem:
                    if kind == socket.SOCK_DGRAM and problem.errno == errno.EPROTOTYPE:
                        continue
                    raise
                sender.sendall(line.encode(errors="backslashreplace") + end)
                return


def journal_entry(fields: Mapping[str, str]) -> bytes:
    """`NAME=value` in a line each; a value with a line's end in it has its length before it instead."""
    entry = bytearray()
    for name, value in fields.items():
        raw = value.encode(errors="backslashreplace")
        if b"\n" in raw:
            entry += name.encode() + b"\n" + len(raw).to_bytes(8, "little") + raw + b"\n"
        else:
            entry += name.encode() + b"=" + raw + b"\n"
    return bytes(entry)
