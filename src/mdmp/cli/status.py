"""Whether mdmp handles the crashes of this system's programs, and what it did last.

Exit code 0: it does; 1: it does not, or something is amiss.

examples:
  mdmp status
  sudo mdmp status --json | jq .crashes
"""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, NOTHING_FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.install import status

    found = status()
    if args.json:
        print(json.dumps(asdict(found), indent=1))
    else:
        state = "handles crashes" if found.working else "is not in order" if found.installed else "is not installed"
        print(f"mdmp {state}")
        width = max(map(len, found.facts), default=0)
        for name, value in found.facts.items():
            if value is not None and value is not False:
                print(safe_text(f"  {name:<{width}} {value}"))
        for problem in found.problems:
            print(safe_text(f"  problem: {problem}"))
        for crash in found.crashes:
            print(safe_text(f"  {_line(crash)}"))
    return DONE if found.working else NOTHING_FOUND


def _line(crash: "Mapping[str, object]") -> str:
    moment = crash.get("time")
    when = f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}" if isinstance(moment, int) else "?"
    reasons = crash.get("reasons")
    why = "; ".join(map(str, reasons)) if isinstance(reasons, list) else "?"
    what = crash.get("dump") or crash.get("problem") or why
    return f"{when}  {crash.get('program') or '?'} ({crash.get('pid')}): {what}"
