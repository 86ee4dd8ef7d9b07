"""What `run` and `attach` can be told about when to make a dump."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from math import isfinite
from typing import TYPE_CHECKING

from mdmp.cli.common import count
from mdmp.cli.dump_options import size
from mdmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mdmp.monitor.options import MonitorOptions
    from mdmp.monitor.watch.conditions import Condition

LASTING = 10.0
"""Seconds, when none are given: for which processor time has to be over its limit, or nothing moves in a hang."""
_LEAST_MEMORY = 1 << 16
_UNSEEN_SIGNALS = (9,)
_INTEGER = re.compile(r"-?[0-9]+|0[xX][0-9a-fA-F]+")


def add_trigger_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("when to make a dump (a crash always, unless --no-crash)")
    add = group.add_argument
    add("-n", "--number", metavar="N", type=count, default=1, help="make at most N dumps (default: 1)")
    add(
        "-s",
        "--spacing",
        metavar="SECONDS",
        type=seconds,
        default=10.0,
        help="the least time between two dumps for limits, hangs and heartbeats (default: 10)",
    )
    add(
        "--cpu",
        metavar="P[:SECONDS]",
        type=_percent,
        help=f"it uses P percent of one processor or more, for so long without a break (default: {LASTING:g})",
    )
    add("--cpu-below", metavar="P[:SECONDS]", type=_percent, help="it uses less than that")
    add("--all-cpus", action="store_true", help="P is of all processors together, like ProcDump's -c without -u")
    add("--memory", metavar="SIZE[:SECONDS]", type=_memory, help="it has that much memory or more (like 500M, 2G)")
    add("--memory-below", metavar="SIZE[:SECONDS]", type=_memory, help="it has less memory than that")
    add("--threads", metavar="N[:SECONDS]", type=_number, help="it has N threads or more")
    add("--handles", "--fds", metavar="N[:SECONDS]", type=_number, help="it has N open files or handles, or more")
    add(
        "--hang",
        metavar="SECONDS",
        type=seconds,
        help="it made no progress for so long: no processor time used, or no answer from its windows",
    )
    add(
        "--heartbeat",
        metavar="FILE",
        help=f"it did not touch FILE for the time that --hang says (default: {LASTING:g})",
    )
    add(
        "--signal",
        metavar="NAME",
        dest="signals",
        type=signal_number,
        action="append",
        default=[],
        help="this signal arrives, whatever the program does about it: USR1, QUIT, 34 (Linux; repeatable)",
    )
    add(
        "--exit-code",
        metavar="CODE",
        dest="exit_codes",
        type=_exit_code,
        action="append",
        help="it ends with this code: a number or `any` (repeatable)",
    )
    add(
        "--first-chance",
        metavar="FILTER",
        action="append",
        default=[],
        help="this exception or signal happens, even if handled: a code, a name, or part of one with * (repeatable)",
    )
    add("--no-crash", action="store_true", help="a crash is no reason for a dump")
    add("--follow", action="store_true", help="its child processes, too")
    add("--writer", choices=("mdmp", "dbghelp"), default="mdmp", help="who writes the dump (dbghelp: Windows only)")


def monitor_options(args: argparse.Namespace) -> MonitorOptions:
    """Raises `UsageError` for what can never happen here."""
    from mdmp.monitor.options import MonitorOptions

    if args.writer == "dbghelp" and sys.platform != "win32":
        raise UsageError("--writer dbghelp: only Windows has it")
    codes = args.exit_codes
    if codes is not None and None not in codes:
        _refuse_impossible(codes)
    options = MonitorOptions(
        number=args.number,
        spacing=args.spacing,
        conditions=_conditions(args),
        crashes=not args.no_crash,
        follow=args.follow,
        first_chance=tuple(args.first_chance),
        signals=tuple(args.signals),
        exit_codes=None if codes is None else () if None in codes else tuple(codes),
        writer=args.writer,
    )
    triggers = (options.conditions, options.first_chance, options.signals, codes)
    if not options.crashes and not any(triggers):
        raise UsageError("--no-crash: then there is nothing to make a dump for (name another trigger, like --cpu 90)")
    return options


def _refuse_impossible(codes: Sequence[int]) -> None:
    least, most = (-(1 << 31), (1 << 32) - 1) if sys.platform == "win32" else (0, 255)
    for code in codes:
        if not least <= code <= most:
            raise UsageError(f"--exit-code {code}: no program ends with it here ({least} to {most})")


def _conditions(args: argparse.Namespace) -> tuple[Condition, ...]:
    from mdmp.monitor.watch.conditions import Condition

    processors = os.cpu_count() or 1
    factor = processors if args.all_cpus else 1
    found = []
    for option, kind, below in (
        ("cpu", "cpu", False),
        ("cpu_below", "cpu", True),
        ("memory", "memory", False),
        ("memory_below", "memory", True),
        ("threads", "threads", False),
        ("handles", "handles", False),
    ):
        if (given := getattr(args, option)) is not None:
            limit, lasting = given
            if kind == "cpu" and (limit := limit * factor) > processors * 100 and not below:
                raise UsageError(f"--cpu: over {limit:g} % of one processor is not possible with {processors} of them")
            found.append(Condition(kind, limit, lasting, below))
    if args.hang is not None or args.heartbeat is not None:
        found.append(Condition("hang", LASTING if args.hang is None else args.hang, heartbeat=args.heartbeat))
    return tuple(found)


def seconds(text: str) -> float:
    """A time, fractions allowed."""
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = -1.0
    if not (isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"not a number of seconds: {text!r}")
    return value


def _lasting(parse: Callable[[str], float], default: float) -> Callable[[str], tuple[float, float]]:
    def both(text: str) -> tuple[float, float]:
        value, colon, time = text.partition(":")
        return parse(value), seconds(time) if colon else default

    return both


def _percentage(text: str) -> float:
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not (isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"not a percentage above zero: {text!r}")
    return value


def _bytes(text: str) -> float:
    value = size(text)
    if value < _LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text} bytes: every program has more; write {text}M for MiB")
    return value


_percent = _lasting(_percentage, LASTING)
_memory = _lasting(_bytes, 0.0)
_number = _lasting(count, 0.0)


def signal_number(text: str) -> int:
    """`USR1`, `SIGUSR1`, `usr1`, `10`, `RTMIN+3`."""
    if not hasattr(signal, "SIGUSR1"):
        raise argparse.ArgumentTypeError("there are no signals on Windows (--first-chance takes exceptions)")
    name, plus, more = text.upper().removeprefix("SIG").partition("+")
    if text.isdecimal():
        number = int(text)
    else:
        found = getattr(signal.Signals, f"SIG{name}", None)
        if found is None or (plus and not more.isdecimal()):
            known = ", ".join(member.name.removeprefix("SIG") for member in signal.Signals)
            raise argparse.ArgumentTypeError(f"no such signal: {text!r} (there are: {known}, and numbers)")
        number = int(found) + (int(more) if plus else 0)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError(f"no such signal: {text!r} (1 to 64)")
    if number in _UNSEEN_SIGNALS:
        raise argparse.ArgumentTypeError("nobody sees SIGKILL before the process is gone")
    return number


def _exit_code(text: str) -> int | None:
    """None: any."""
    if text == "any":
        return None
    if not _INTEGER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"not an exit code: {text!r} (a number, 0x… too, or any)")
    return int(text, 0) if text[:2].lower() == "0x" else int(text)
