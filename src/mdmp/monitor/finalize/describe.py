"""What became of a fault: in one line for people, and in facts for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mdmp.binary.sizes import size_text
from mdmp.binary.text import safe_text
from mdmp.platforms.signals import signal_name

if TYPE_CHECKING:
    from mdmp.monitor.fault import Fault
    from mdmp.monitor.keeper import Outcome


def describe(outcome: Outcome) -> str:
    """`shop (pid 123): SIGSEGV at 0x18 in thread 123; dump /…/shop.123.20260102T030405Z.dmp (1.2 MiB)`

    Whatever the program chose to call itself, the line holds no control characters.
    """
    fault = outcome.fault
    if outcome.saved:
        end = f"dump {outcome.saved.path} ({size_text(outcome.saved.size)})"
    else:
        end = why_no_dump(outcome)
    return safe_text(f"{fault.subject.name or 'process'} (pid {fault.subject.pid}): {fault.text}; {end}")


def why_no_dump(outcome: Outcome) -> str:
    """`no dump: REASON`"""
    if outcome.problem is not None:
        return f"no dump: {outcome.problem}"
    reasons = "; ".join(outcome.decision.reasons) or "the policy wants none"
    return reasons if reasons.startswith("no dump: ") else f"no dump: {reasons}"


def facts_of(outcome: Outcome, when: datetime | None = None) -> dict[str, str | int]:
    """The same in parts, for programs. No command line, no environment; what the program said only as far as the
    fault's text has it."""
    fault, saved = outcome.fault, outcome.saved
    facts: dict[str, str | int | None] = {
        "program": fault.subject.name or "process",
        "pid": fault.subject.pid,
        "thread": fault.tid,
        "uid": fault.subject.uid,
        "host": host(),
        "time": f"{when or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "kind": fault.kind,
        "code": code_text(fault),
        "address": None if fault.address is None else f"{fault.address:#x}",
        "text": fault.text,
        "trigger": fault.how,
        "dump": saved.path if saved else None,
        "size": saved.size if saved else None,
        "no_dump": None if saved else why_no_dump(outcome).removeprefix("no dump: "),
    }
    return {
        name: safe_text(value) if isinstance(value, str) else value
        for name, value in facts.items()
        if value is not None
    }


def without_messages(outcome: Outcome) -> Outcome:
    """The same without what the program said: texts of exceptions and assertions are made of its data."""
    fault = outcome.fault
    text = code_text(fault) or fault.kind.replace("_", " ")
    text += "" if fault.address is None else f" at {fault.address:#x}"
    text += "" if fault.tid is None else f" in thread {fault.tid}"
    return replace(outcome, fault=replace(fault, text=text, messages=()))


def code_text(fault: Fault) -> str | None:
    """`SIGSEGV`, or the code of an exception in hexadecimal."""
    return None if fault.code is None else signal_name(fault.code) or f"{fault.code & 0xFFFFFFFF:08x}"


def host() -> str:
    """The name of this machine."""
    import socket

    return socket.gethostname()
