"""Look for reasons why a crash would leave no dump here, and what to do about each.

examples:
  mdmp doctor system
  mdmp doctor system --program shop.exe
  mdmp doctor system --self-test
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, NOTHING_FOUND, use_color

if TYPE_CHECKING:
    from mdmp.monitor.doctor.check import Check
    from mdmp.monitor.doctor.self_test import Trial

_TITLES = {
    "system": "Crashes of programs that nobody watches",
    "trace": "Programs watched by mdmp run, attach or install_handler",
    "any": "Every dump",
}
_COLORS = {"ok": 32, "warn": 33, "bad": 31, "unknown": 36}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", choices=("system",), help="what to examine: this system")
    parser.add_argument(
        "--program", metavar="NAME", default=os.path.basename(sys.executable), help="ask the policy for this program"
    )
    parser.add_argument(
        "--self-test", action="store_true", help="crash programs in every way, and see (takes a minute)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.doctor.examine import examine, handler_place
    from mdmp.monitor.doctor.self_test import self_test

    checks = examine(args.program)
    if not args.json:
        _print_checks(checks, use_color(args.color, sys.stdout))
    trials = []
    if args.self_test:
        for trial in self_test(handler_place(args.program)):
            trials.append(trial)
            if not args.json and sys.stderr.isatty():
                print(f"\r{len(trials)} tried", end="\r", file=sys.stderr)
        if not args.json:
            _print_trials(trials)
    if args.json:
        print(json.dumps(_as_json(checks, trials if args.self_test else None), indent=1))
    lost = any(check.state == "bad" for check in checks) or any(trial.good is False for trial in trials)
    return NOTHING_FOUND if lost else DONE


def _print_checks(checks: tuple[Check, ...], color: bool) -> None:
    for concerns, title in _TITLES.items():
        print(title)
        for check in checks:
            if check.concerns == concerns:
                state = f"{check.state:<8}"
                state = f"\x1b[{_COLORS[check.state]}m{state}\x1b[0m" if color else state
                print(f"  {state}{safe_text(check.text)}")
                if check.advice and check.state != "ok":
                    print(f"          -> {safe_text(check.advice)}")
        print()


def _print_trials(trials: list[Trial]) -> None:
    from mdmp.monitor.doctor.self_test import KINDS, WAYS

    width = max(map(len, KINDS.values())) + 2
    print("Programs crashed to see" + " " * max(0, width - 23) + "".join(f"{way:<17}" for way in WAYS).rstrip())
    for kind, text in KINDS.items():
        cells = [_cell(trial) for way in WAYS for trial in trials if (trial.kind, trial.way) == (kind, way)]
        print(f"{text:<{width}}" + "".join(f"{cell:<17}" for cell in cells).rstrip())
    for trial in trials:
        if trial.good is False:
            print(safe_text(f"  {trial.way}, {KINDS[trial.kind]}: {trial.note or _expectation(trial)}"))


def _cell(trial: Trial) -> str:
    if trial.good is None:
        return "-"
    words = {0: "none", 1: "dump"}.get(trial.dumps or 0, f"{trial.dumps} dumps")
    return words if trial.good else f"{words}: WRONG"


def _expectation(trial: Trial) -> str:
    return f"expected {'one dump' if trial.expected else 'no dump'}; found {trial.dumps}"


def _as_json(checks: tuple[Check, ...], trials: list[Trial] | None) -> dict[str, object]:
    found: dict[str, object] = {
        "checks": [
            {key: getattr(check, key) for key in ("name", "state", "text", "advice", "concerns")} for check in checks
        ]
    }
    if trials is not None:
        keys = ("kind", "way", "expected", "dumps", "good", "note")
        found["self_test"] = [{key: getattr(trial, key) for key in keys} for trial in trials]
    return found
