"""Write a minidump from another dump: from a Linux core file, or a smaller one from a minidump.

examples:
  mdmp convert core.1234 crash.dmp
  mdmp convert full.dmp small.dmp --type mini
  mdmp convert core.1234 crash.dmp --type heap --budget 64M
"""

import argparse
import os

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE
from mdmp.cli.dump_options import add_dump_options
from mdmp.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="IN", help="a core file or a minidump")
    parser.add_argument("output", metavar="OUT", help="the minidump to write; one of that name is replaced")
    add_dump_options(parser, default="full")


def run(args: argparse.Namespace) -> int:
    from mdmp.api import open_dump, save_dump

    snapshot = open_dump(args.file)
    if os.path.exists(args.output) and os.path.samefile(args.file, args.output):
        raise UsageError(f"{args.output}: the dump to read cannot be the dump to write")
    saved = save_dump(snapshot, args.output, kind=args.kind, budget=args.budget, scrub_stacks=args.scrub_stacks)
    counts = f"{len(snapshot.threads or ())} threads, {len(snapshot.modules or ())} modules"
    print(safe_text(f"{saved.path}: {saved.size} bytes, {saved.memory} of them memory; {counts}"))
    for loss in saved.lost:
        print(safe_text(f"  {loss}"))
    return DONE
