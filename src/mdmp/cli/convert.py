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
from mdmp.errors import UsageError
from mdmp.snapshot.dump_type import DUMP_TYPES

_UNITS = {"K": 10, "M": 20, "G": 30}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="IN", help="a core file or a minidump")
    parser.add_argument("output", metavar="OUT", help="the minidump to write; one of that name is replaced")
    parser.add_argument(
        "--type",
        metavar="TYPE",
        dest="kind",
        type=_kind,
        default="full",
        help=f"which memory to keep: {', '.join(DUMP_TYPES)}, or MINIDUMP_TYPE bits like 0x241 (default: full)",
    )
    parser.add_argument(
        "--budget",
        metavar="SIZE",
        type=_size,
        help="keep at most so much memory (bytes, or with K, M, G); the crashing thread's stack stays whole",
    )
    parser.add_argument(
        "--scrub-stacks", action="store_true", help="replace all on the stacks that is not needed to unwind them"
    )


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


def _kind(text: str) -> str | int:
    if text in DUMP_TYPES:
        return text
    try:
        bits = int(text, 0)
    except ValueError:
        bits = -1
    if not 0 <= bits < 1 << 64:
        raise argparse.ArgumentTypeError(f"no such type: {text!r} (there are: {', '.join(DUMP_TYPES)}, and bits)")
    return bits


def _size(text: str) -> int:
    digits, shift = (text[:-1], _UNITS[text[-1].upper()]) if text[-1:].upper() in _UNITS else (text, 0)
    if not digits.isdecimal():
        raise argparse.ArgumentTypeError(f"not a size: {text!r}")
    return int(digits) << shift
