"""Watch a folder of dumps: report each new one as if mdmp had written it (log entry, notice, report beside it).

For dumps that somebody else writes: Windows itself after `mdmp install --via wer`, or another program. Ends with
Ctrl+C.

examples:
  mdmp watch
  mdmp watch C:\\Dumps --existing
  mdmp watch /srv/dumps --every 60
"""

import argparse
import time

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder (default: where the policy has dumps)")
    parser.add_argument("--existing", action="store_true", help="report the dumps that are there already, too")
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument("--every", metavar="SECONDS", type=count, default=3, help="time between looks (default: 3)")
    parser.add_argument("--no-report", action="store_true", help="leave no report beside the dumps")


def run(args: argparse.Namespace) -> int:
    from mdmp.api import write_report_beside
    from mdmp.monitor.finalize.describe import describe
    from mdmp.monitor.folder_watch import FolderWatch
    from mdmp.monitor.policy.decide import our_folder
    from mdmp.monitor.policy.load import load_policy

    policy = load_policy()
    watch = FolderWatch(args.folder or our_folder(policy), policy, None if args.no_report else write_report_beside)
    if not args.existing:
        watch.take_as_known()
    while True:
        for outcome in watch.look():
            print(safe_text(describe(outcome)), flush=True)
            for note in outcome.notes:
                print(safe_text(f"  {note}"), flush=True)
        if args.once:
            return DONE
        time.sleep(args.every)
