"""What `run` and `attach` share: where dumps go, and what the user hears."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from mdmp.cli import failure
from mdmp.cli.dump_options import add_dump_options
from mdmp.cli.trigger_options import add_trigger_options

if TYPE_CHECKING:
    from mdmp.monitor.keeper import Keeper, Outcome


def add_monitoring_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the folder for dumps, or the file; {program}, {pid}, {time} in its name are replaced "
        "(default: as `mdmp policy show` says)",
    )
    add_dump_options(parser, default=None)
    parser.add_argument("--report", action="store_true", help="analyze at once, and leave the report beside the dump")
    add_trigger_options(parser)


def make_keeper(args: argparse.Namespace) -> Keeper:
    from mdmp.api import write_report_beside
    from mdmp.monitor.finalize.folder import prove_folder
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.policy.decide import our_folder
    from mdmp.monitor.policy.load import load_policy

    folder, name = _output(args.output)
    policy = load_policy(
        command_line={
            "folder": folder,
            "name": name,
            "type": args.kind,
            "budget": args.budget,
            "scrub_stacks": args.scrub_stacks or None,
            "report": args.report or None,
        }
    )
    for issue in policy.issues:
        failure.complain(str(issue))
    if folder:
        prove_folder(our_folder(policy))  # now rather than at the crash
    return Keeper(policy, report=write_report_beside, tell=_tell)


def _output(text: str | None) -> tuple[str | None, str | None]:
    """The folder and the name of dumps; None: not given."""
    if text is None:
        return None, None
    if os.path.isdir(text) or not os.path.splitext(text)[1]:
        return text, None
    return os.path.dirname(text) or os.curdir, os.path.basename(text)


def _tell(outcome: Outcome) -> None:
    from mdmp.monitor.finalize.describe import describe

    failure.complain(describe(outcome))
    for note in outcome.notes:
        failure.complain(note)
